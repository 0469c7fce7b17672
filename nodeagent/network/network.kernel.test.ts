import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { systemClock } from "#lib/system-clock";
import { dnsIp, freeRanges, machineIp, nodeIp, nodePodCidr } from "./cluster-ranges.ts";
import { CANNOT_ISOLATE, type IsolatedNetwork, isolateNetwork } from "./isolated-network.ts";
import { networkNames } from "./names.ts";
import { listLinks, listRoutes } from "./netlink/send.ts";
import { createNodeDevice, removeNodeLinks } from "./node-device.ts";
import {
  createMachineNetwork,
  createNodeNetwork,
  nodeNetnsPath,
  removeMachineNetwork,
  removeNodeNetwork,
  routeServices,
} from "./node-network.ts";
import { RoutedPodNetwork } from "./routed-pod-network.ts";

const skip = CANNOT_ISOLATE;
const names = networkNames("naru-test");
let isolated: IsolatedNetwork;

before(async () => {
  if (skip === false) isolated = await isolateNetwork();
});
after(() => isolated?.close());

test("pods of one node reach each other and their node", { skip }, async () => {
  const a = isolated.addNamespace("pod-a");
  const b = isolated.addNamespace("pod-b");
  const pods = podNetwork("10.244.1.0/24");
  for (let round = 0; round < 2; round++) {
    await createNodeDevice(isolated.network, {
      names,
      podCidr: "10.244.1.0/24",
      serviceCidr: "10.96.0.0/16",
      dnsIp: "10.96.0.10",
    });
  }
  assert.deepEqual(await pods.attach("a", a), { ip: "10.244.1.2" });
  assert.deepEqual(await pods.attach("b", b), { ip: "10.244.1.3" });
  // Once more, as after a crash in the middle.
  assert.deepEqual(await podNetwork("10.244.1.0/24").attach("b", b), { ip: "10.244.1.3" });
  isolated.serve(b, 8080, "from b");
  assert.equal(await isolated.run(a, "curl", "-sS", "-m5", "http://10.244.1.3:8080/"), "from b");
  await removeNodeLinks(isolated.network, names);
  assert.deepEqual(
    (await listLinks(isolated.network)).map((link) => link.name),
    ["lo"],
  );
});

test("createNodeNetwork() may be repeated, and removal leaves nothing", { skip }, async () => {
  const ranges = freeRanges(() => false);
  assert.ok(ranges !== undefined);
  const machine = { names, ip: machineIp(ranges), nodeCidr: ranges.nodeCidr };
  const node = (index: number) => ({
    index,
    ip: nodeIp(ranges, index),
    podCidr: nodePodCidr(ranges, index),
    pinDir: join(isolated.dir, `node-${index}`, "netns"),
  });
  for (let round = 0; round < 2; round++) {
    await createMachineNetwork(isolated.kernel, machine);
    await createNodeNetwork(isolated.kernel, machine, node(1));
    await createNodeNetwork(isolated.kernel, machine, node(2));
    await routeServices(isolated.kernel, machine, ranges.serviceCidr, node(1));
  }
  isolated.serve(nodeNetnsPath(node(2)), 9090, "node 2");
  const curl = ["-sS", "-m5", `http://${node(2).ip}:9090/`];
  assert.equal(await isolated.run(nodeNetnsPath(node(1)), "curl", ...curl), "node 2");
  const routes = await listRoutes(isolated.network);
  assert.equal(routes.filter((route) => route.gateway !== undefined).length, 3);
  assert.equal(dnsIp(ranges), "10.96.0.10");

  await removeNodeNetwork(isolated.kernel, names, node(1));
  await removeMachineNetwork(isolated.kernel, names);
  await removeNodeNetwork(isolated.kernel, names, node(2));
  const left = (await listLinks(isolated.network)).map((link) => link.name);
  assert.deepEqual(
    left.filter((name) => name.startsWith("naru-test")),
    [],
  );
  assert.equal(existsSync(nodeNetnsPath(node(1))), false);
});

function podNetwork(podCidr: string): RoutedPodNetwork {
  return new RoutedPodNetwork({
    kernel: isolated.network,
    names,
    podCidr,
    stateFile: join(isolated.dir, "pods.json"),
    nodePid: isolated.pid,
    clock: systemClock,
    onPublished: async () => {},
  });
}
