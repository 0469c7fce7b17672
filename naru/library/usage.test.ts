/** What hollow nodes say that their pods use. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { nodeMetrics, podMetrics, pods } from "#resources";
import { useCluster } from "./testing.ts";

const cluster = useCluster({ before, after }, { nodes: 2 });

test("a pod's annotations say what each of its containers uses", async () => {
  const namespace = await cluster().createNamespace();
  const annotations = { "naru.dev/cpu-usage": "250m", "naru.dev/memory-usage": "64Mi" };
  const containers = [
    { name: "a", image: "i" },
    { name: "b", image: "i" },
  ];
  const pod = (name: string, metadata: object) => ({
    ...{ apiVersion: "v1", kind: "Pod" },
    metadata: { name, namespace, ...metadata },
    spec: { containers, nodeName: "node-1" },
  });
  await cluster().apply([pod("busy", { annotations }), pod("idle", {})]);
  for (const name of ["busy", "idle"])
    await cluster().waitFor(pods, { namespace, name }, ({ status }) => status.phase === "Running");

  const { client } = cluster();
  const shown = (await client.list(podMetrics, { namespace })).items.map((each) => [
    each.metadata.name,
    ...each.containers.map(({ name, usage }) => `${name} ${usage["cpu"]} ${usage["memory"]}`),
  ]);
  assert.deepEqual(shown, [
    ["busy", "a 250m 64Mi", "b 250m 64Mi"],
    ["idle", "a 0 0", "b 0 0"],
  ]);
  const nodes = (await client.list(nodeMetrics)).items.map(({ metadata, usage }) => [
    metadata.name,
    usage,
  ]);
  assert.deepEqual(nodes, [
    ["node-1", { cpu: "500m", memory: "128Mi" }],
    ["node-2", { cpu: "0", memory: "0" }],
  ]);
});
