/** Where services' addresses come from, as the real kubectl shows it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestServer } from "../harness/api-server.ts";
import { kubectl } from "../harness/kubectl.ts";
import { until } from "../harness/until.ts";

const MORE = JSON.stringify({
  apiVersion: "networking.k8s.io/v1",
  kind: "ServiceCIDR",
  metadata: { name: "more" },
  spec: { cidrs: ["10.200.0.0/24"] },
});

test("ranges and addresses are shown, and an address that is taken is refused", async () => {
  await using server = await startTestServer();
  const user = await kubectl(server.kubeconfig, server.directory);
  assert.match(
    await user.ok(["get", "servicecidrs"]),
    /^NAME\s+CIDRS\s+AGE\nkubernetes\s+10\.96\.0\.0\/16\s/,
  );
  assert.match(await user.ok(["describe", "servicecidr", "kubernetes"]), /Ready\s+True/);
  assert.match(
    await user.ok(["get", "ipaddresses"]),
    /^NAME\s+PARENTREF\n10\.96\.0\.1\s+services\/default\/kubernetes\s/,
  );
  assert.match(await user.ok(["describe", "ipaddress", "10.96.0.1"]), /Resource:\s+services/);
  await user.ok(["create", "service", "nodeport", "web", "--tcp=80", "--node-port=30080"]);
  const again = ["create", "service", "clusterip", "api", "--tcp=80", "--clusterip=10.96.0.1"];
  const { code, stderr } = await user.run(again);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /spec\.clusterIPs: Invalid value: \["10\.96\.0\.1"\]: failed to allocate IP 10\.96\.0\.1: provided IP is already allocated/,
  );
  await user.ok(["apply", "-f", "-"], { input: MORE });
  const older = "servicecidrs.v1beta1.networking.k8s.io";
  assert.match(
    await user.ok(["get", older, "more", "-o", "jsonpath={.apiVersion} {.spec.cidrs}"]),
    /^networking\.k8s\.io\/v1beta1 \["10\.200\.0\.0\/24"\]$/,
  );
});

test("an address that is taken from a service by hand comes back, and people are told", async () => {
  await using server = await startTestServer();
  const user = await kubectl(server.kubeconfig, server.directory);
  await user.ok(["create", "service", "clusterip", "web", "--tcp=80", "--clusterip=10.96.0.77"]);
  await user.ok(["delete", "ipaddress", "10.96.0.77"]);
  await until("the event", 10_000, async () =>
    /ClusterIPNotAllocated\s+service\/web\s/.test(await user.ok(["get", "events"])),
  );
  const reference = "jsonpath={.spec.parentRef.name}";
  assert.equal(await user.ok(["get", "ipaddress", "10.96.0.77", "-o", reference]), "web");
});
