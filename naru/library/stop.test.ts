/** In a file of their own: what other tests' clients still hold would be counted with it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { KubeConfig, Watch } from "@kubernetes/client-node";
import { configMaps } from "#resources";
import { until } from "../../test/harness/until.ts";
import { Cluster } from "./cluster.ts";

/** Is being rolled out when the cluster stops. */
const PODS = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 3
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: example/web }] }
`;

test("stop() ends what waits, and may be called twice", async () => {
  const cluster = await Cluster.start();
  const waiting = cluster.waitFor(configMaps, { namespace: "default", name: "none" });
  await Promise.all([
    assert.rejects(waiting, /the cluster stopped while waiting/),
    cluster.stop(),
    cluster.stop(),
  ]);
});

test("after stop() nothing of a cluster is left: no timer, socket or listener", async () => {
  const before = held();
  for (let round = 0; round < 50; round++) {
    const cluster = await Cluster.start({ nodes: 2 });
    await cluster.apply(PODS);
    await cluster.stop();
    assert.deepEqual(held(), before, `round ${round}`);
  }
});

test("stop() hangs up on clients that would stay", async () => {
  const before = held();
  const cluster = await Cluster.start();
  const config = new KubeConfig();
  config.loadFromString(cluster.kubeconfig);
  const ended = Promise.withResolvers<void>();
  await new Watch(config).watch(
    "/api/v1/configmaps",
    {},
    () => {},
    () => ended.resolve(),
  );
  assert.notDeepEqual(held(), before);
  await cluster.stop();
  await ended.promise;
  await until("the client's sockets to go", 1000, async () => isDeepStrictEqual(held(), before));
});

/** What keeps the loop alive beyond its present turn. */
function held(): readonly string[] {
  return process
    .getActiveResourcesInfo()
    .filter((what) => what !== "Immediate")
    .toSorted();
}
