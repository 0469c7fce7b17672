/** What is served under older names. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestServer } from "../harness/api-server.ts";
import { kubectl } from "../harness/kubectl.ts";

const LEASE = JSON.stringify({
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  metadata: { name: "naru-scheduler", namespace: "kube-system" },
  spec: {
    holderIdentity: "here",
    leaseDurationSeconds: 3600,
    renewTime: new Date(Date.now()).toISOString().replace("Z", "000Z"),
  },
});

test("kubectl get componentstatuses tells of the store, and of who leads", async () => {
  await using server = await startTestServer();
  const user = await kubectl(server.kubeconfig, server.directory);
  await user.ok(["apply", "-f", "-"], { input: LEASE });
  const text = await user.ok(["get", "cs"]);
  assert.match(text, /^NAME\s+STATUS\s+MESSAGE\s+ERROR\n/);
  assert.match(text, /^etcd-0\s+Healthy\s+ok\s*$/m);
  assert.match(text, /^scheduler\s+Healthy\s+ok\s*$/m);
  assert.match(text, /^controller-manager\s+Unhealthy\s+nobody holds the lease kube-system/m);
  const healthy = "jsonpath={.conditions[0].status}";
  assert.equal(await user.ok(["get", "componentstatus", "etcd-0", "-o", healthy]), "True");
});

test("a Binding puts the pod that it names on a node", async () => {
  await using server = await startTestServer();
  const user = await kubectl(server.kubeconfig, server.directory);
  await user.ok(["run", "p", "--image=none"]);
  const binding = {
    apiVersion: "v1",
    kind: "Binding",
    metadata: { name: "p" },
    target: { kind: "Node", name: "n1" },
  };
  const path = "/api/v1/namespaces/default/bindings";
  const post = (body: object) =>
    user.run(["create", "--raw", path, "-f", "-"], { input: JSON.stringify(body) });
  assert.equal((await post(binding)).code, 0);
  assert.equal(await user.ok(["get", "pod", "p", "-o", "jsonpath={.spec.nodeName}"]), "n1");
  assert.match((await post(binding)).stderr, /pod p is already assigned to node/);
  assert.match((await post({ ...binding, metadata: {} })).stderr, /metadata\.name: Required value/);
});
