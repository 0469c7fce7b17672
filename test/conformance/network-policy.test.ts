import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestServer } from "../harness/api-server.ts";
import { kubectl } from "../harness/kubectl.ts";

const POLICY = JSON.stringify({
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  metadata: { name: "deny" },
  spec: { podSelector: { matchLabels: { app: "web" } } },
});

test("whoever writes a NetworkPolicy is told that it is not enforced", async () => {
  await using server = await startTestServer();
  const user = await kubectl(server.kubeconfig, server.directory);
  const { code, stderr } = await user.run(["apply", "-f", "-"], { input: POLICY });
  assert.equal(code, 0);
  assert.match(stderr, /^Warning: NetworkPolicy is stored but not enforced$/m);
  assert.match(await user.ok(["get", "netpol"]), /^NAME\s+POD-SELECTOR\s+AGE\ndeny\s+app=web\s/);
  assert.match(await user.ok(["describe", "netpol", "deny"]), /Policy Types: Ingress\n/);
});
