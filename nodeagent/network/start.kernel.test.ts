import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client, Informers, type Transport } from "#client";
import { silentLogger } from "#lib/logger";
import { systemClock } from "#lib/system-clock";
import { systemRandom } from "#lib/system-random";
import type { ApiObject } from "#proto";
import { service, slice } from "../proxy/testing.ts";
import { CANNOT_ISOLATE, type IsolatedNetwork, isolateNetwork } from "./isolated-network.ts";
import { listLinks, listRoutes } from "./netlink/send.ts";
import { type NodeNetworking, removeNetwork, startNetwork } from "./start.ts";

const skip = CANNOT_ISOLATE;
const CLUSTER = "naru-test";
let isolated: IsolatedNetwork;
let running: NodeNetworking;
let informers: Informers;
let netns: string;

before(async () => {
  if (skip !== false) return;
  isolated = await isolateNetwork();
  [running, informers] = await start();
  netns = isolated.addNamespace("pod");
  const { ip } = await running.podNetwork.attach("pod", netns);
  assert.equal(ip, "10.244.1.2");
  isolated.serve(netns, 8080, "from pod");
  await running.serving;
});
after(async () => {
  await running?.close();
  await informers?.close();
  isolated?.close();
});

test("a pod finds a service by its short name and reaches it", { skip }, async () => {
  const dig = ["dig", "+short", "+time=2", "+tries=1", "@10.96.0.10"];
  const ask = (...more: readonly string[]) =>
    isolated.run(netns, dig[0] ?? "", ...dig.slice(1), ...more);
  const domain = "default.svc.cluster.local";
  assert.equal(await ask("+search", `+domain=${domain}`, "web"), "10.96.0.20\n");
  assert.equal(await ask("+tcp", `web.${domain}`), "10.96.0.20\n");
  assert.equal(await ask("-x", "10.96.0.20"), `web.${domain}.\n`);
  assert.equal(await isolated.run(netns, "curl", "-sS", "-m3", "http://10.96.0.20/"), "from pod");
});

test("startNetwork() may be repeated while pods run", { skip }, async () => {
  await running.close();
  await informers.close();
  assert.equal(await isolated.run(netns, "curl", "-sS", "-m3", "http://10.96.0.20/"), "from pod");
  [running, informers] = await start();
  await running.serving;
  assert.deepEqual(await running.podNetwork.attach("pod", netns), { ip: "10.244.1.2" });
  assert.equal(await isolated.run(netns, "curl", "-sS", "-m3", "http://10.96.0.20/"), "from pod");
});

test("removeNetwork() leaves nothing and may be repeated", { skip }, async () => {
  await running.close();
  await removeNetwork(isolated.network, CLUSTER);
  await removeNetwork(isolated.network, CLUSTER);
  assert.deepEqual(
    (await listLinks(isolated.network)).map((link) => link.name),
    ["lo"],
  );
  assert.deepEqual(await listRoutes(isolated.network), []);
  assert.equal((await isolated.network.nftables("list ruleset")).output, "");
});

async function start(): Promise<[NodeNetworking, Informers]> {
  const [clock, logger] = [systemClock, silentLogger];
  const client = new Client(transport());
  const informers = new Informers({ client, clock, logger, random: systemRandom });
  const running = await startNetwork({
    kernel: isolated.network,
    informers,
    clusterId: CLUSTER,
    nodeName: "n1",
    podCidr: "10.244.1.0/24",
    clusterCidr: "10.244.0.0/16",
    serviceCidr: "10.96.0.0/16",
    dnsIp: "10.96.0.10",
    clusterDomain: "cluster.local",
    resolvConf: "",
    stateDir: isolated.dir,
    pid: isolated.pid,
    clock,
    logger: {
      ...silentLogger,
      error: (message, fields) => assert.fail(`${message} ${fields?.["error"]}`),
    },
  });
  await informers.start();
  return [running, informers];
}

/** A collection of one service with one slice, which never changes. */
function transport(): Transport {
  const endpoints = slice(["10.244.1.2"], "n1");
  const labels = { "kubernetes.io/service-name": "web" };
  const objects: Readonly<Record<string, readonly ApiObject[]>> = {
    services: [service({ ip: "10.96.0.20" })],
    endpointslices: [{ ...endpoints, metadata: { ...endpoints.metadata, labels } }],
  };
  return {
    list: async ({ resource }) => ({
      items: objects[resource.plural] ?? [],
      resourceVersion: "1",
    }),
    watch: async function* (_target, _options, signal) {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
  } as Partial<Transport> as Transport;
}
