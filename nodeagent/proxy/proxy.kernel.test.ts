import assert from "node:assert/strict";
import { get } from "node:http";
import { after, before, test } from "node:test";
import { silentLogger } from "#lib/logger";
import { systemClock } from "#lib/system-clock";
import {
  CANNOT_ISOLATE,
  type IsolatedNetwork,
  isolateNetwork,
} from "../network/isolated-network.ts";
import { networkNames } from "../network/names.ts";
import { createNodeDevice } from "../network/node-device.ts";
import { RoutedPodNetwork } from "../network/routed-pod-network.ts";
import { ServiceProxy } from "./service-proxy.ts";
import { service, slice } from "./testing.ts";

const skip = CANNOT_ISOLATE;
const names = networkNames("naru-test");
const TABLE = {
  table: names.table,
  clusterCidr: "10.244.0.0/16",
  serviceCidr: "10.96.0.0/16",
  dnsIp: "10.96.0.10",
  gateway: "10.244.1.1",
};
let isolated: IsolatedNetwork;
let proxy: ServiceProxy;
let pods: RoutedPodNetwork;

before(async () => {
  if (skip !== false) return;
  isolated = await isolateNetwork();
  const podCidr = "10.244.1.0/24";
  await createNodeDevice(isolated.network, { ...TABLE, names, podCidr });
  proxy = new ServiceProxy({
    table: TABLE,
    nodeName: "n1",
    clock: systemClock,
    logger: {
      ...silentLogger,
      error: (message, fields) => assert.fail(`${message} ${fields?.["error"]}`),
    },
    apply: async (commands) => {
      const answer = await isolated.network.nftables(commands);
      if (!answer.ok) throw new Error(answer.error);
    },
  });
  pods = new RoutedPodNetwork({
    kernel: isolated.network,
    names,
    podCidr,
    stateFile: `${isolated.dir}/pods.json`,
    nodePid: isolated.pid,
    clock: systemClock,
    onPublished: (ports) => proxy.setHostPorts(ports),
  });
  for (const name of ["a", "b"]) {
    const netns = isolated.addNamespace(name);
    const { ip } = await pods.attach(name, netns);
    isolated.serve(netns, 8080, ip);
  }
});
after(async () => {
  await proxy?.close();
  isolated?.close();
});

const A = "10.244.1.2";
const B = "10.244.1.3";

test("a service leads to all its endpoints, from the node and from its own pods", {
  skip,
}, async () => {
  proxy.serviceChanged("default/web", service({ ip: "10.96.0.20", nodePort: 30080 }));
  proxy.sliceChanged("default/web", "web-1", slice([A, B], "n1"));
  await proxy.start();
  assert.deepEqual(await answers("http://10.96.0.20/", 40), [A, B]);
  const fromPod = await isolated.run(
    netns("a"),
    "curl",
    "-sS",
    "-m2",
    ...new Array(20).fill("http://10.96.0.20/"),
  );
  assert.deepEqual(new Set(fromPod.match(/10\.244\.1\.\d/g)), new Set([A, B]));
  assert.deepEqual(await answers("http://10.244.1.1:30080/", 40), [A, B]);
});

test("no request fails while endpoints come and go", { skip }, async () => {
  let isDone = false;
  const load = (async () => {
    let requests = 0;
    for (; !isDone; requests++) await fetchText("http://10.96.0.20/");
    return requests;
  })();
  for (let round = 0; round < 20; round++) {
    proxy.sliceChanged("default/web", "web-1", slice([[A], [B], [A, B]][round % 3] ?? [], "n1"));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  isDone = true;
  assert.ok((await load) > 20);
});

test("an endpoint that is gone gets no traffic", { skip }, async () => {
  proxy.sliceChanged("default/web", "web-1", slice([B], "n1"));
  await proxy.setHostPorts([]);
  assert.deepEqual(await answers("http://10.96.0.20/", 20), [B]);
});

test("a client with affinity stays, until its endpoint goes", { skip }, async () => {
  proxy.serviceChanged(
    "default/sticky",
    service({ ip: "10.96.0.21", isSticky: true, name: "sticky" }),
  );
  proxy.sliceChanged("default/sticky", "s-1", slice([A, B], "n1"));
  await proxy.setHostPorts([]);
  const [first, ...others] = await answers("http://10.96.0.21/", 20);
  assert.deepEqual(others, []);
  const other = first === A ? B : A;
  proxy.sliceChanged("default/sticky", "s-1", slice([other], "n1"));
  await proxy.setHostPorts([]);
  assert.deepEqual(await answers("http://10.96.0.21/", 10), [other]);
});

test("what nobody serves is refused at once", { skip }, async () => {
  proxy.serviceChanged(
    "default/empty",
    service({ ip: "10.96.0.22", nodePort: 30081, name: "empty" }),
  );
  await proxy.setHostPorts([]);
  for (const url of [
    "http://10.96.0.22/",
    "http://10.96.0.99/",
    "http://10.96.0.20:81/",
    "http://10.244.1.1:30081/",
  ]) {
    await assert.rejects(fetchText(url), /ECONNREFUSED|EHOSTUNREACH/, url);
    await assert.rejects(isolated.run(netns("a"), "curl", "-sS", "-m3", url), /curl: \(7\)/, url);
  }
});

test("a host port leads to its pod while it is published", { skip }, async () => {
  const port = {
    protocol: "TCP",
    hostIp: "0.0.0.0",
    hostPort: 9000,
    podIp: A,
    podPort: 8080,
  } as const;
  await pods.publish("a", [port]);
  assert.deepEqual(await answers("http://10.244.1.1:9000/", 3), [A]);
  await pods.publish("a", [{ ...port, hostIp: "10.244.1.1", hostPort: 9001 }]);
  assert.deepEqual(await answers("http://10.244.1.1:9001/", 3), [A]);
  await pods.publish("a", []);
  await assert.rejects(fetchText("http://10.244.1.1:9001/"), /ECONNREFUSED/);
});

function netns(name: string): string {
  return `${isolated.dir}/${name}/net`;
}

async function answers(url: string, times: number): Promise<string[]> {
  const seen = new Set<string>();
  for (let i = 0; i < times; i++) seen.add(await fetchText(url));
  return [...seen].toSorted();
}

function fetchText(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: 3000 }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve(text));
    });
    request.on("timeout", () => request.destroy(new Error("timeout")));
    request.on("error", reject);
  });
}
