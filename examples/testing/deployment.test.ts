/** How a test uses a cluster: `node --test`, nothing else to install or start. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { deployments, pods } from "naru";
import { useCluster } from "naru/testing";

const cluster = useCluster({ before, after }, { nodes: 3 });

test("three replicas run on three nodes", async () => {
  const namespace = await cluster().createNamespace();
  await cluster().apply(`
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: ${namespace} }
spec:
  replicas: 3
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers: [{ name: web, image: example.com/web:1 }]
      topologySpreadConstraints:
      - topologyKey: kubernetes.io/hostname
        maxSkew: 1
        whenUnsatisfiable: DoNotSchedule
        labelSelector: { matchLabels: { app: web } }
`);

  await cluster().waitFor(
    deployments,
    { namespace, name: "web" },
    (deployment) => deployment.status.availableReplicas === 3,
  );

  const { items } = await cluster().client.list(pods, { namespace });
  const nodes = new Set(items.map((pod) => pod.spec.nodeName));
  assert.deepEqual([...nodes].toSorted(), ["node-1", "node-2", "node-3"]);
});
