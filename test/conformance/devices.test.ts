/** Claims for devices, as the real kubectl sees them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestServer } from "../harness/api-server.ts";
import { kubectl } from "../harness/kubectl.ts";

const GROUP = { apiVersion: "resource.k8s.io/v1" };
const OBJECTS = [
  {
    ...GROUP,
    kind: "DeviceClass",
    metadata: { name: "gpu.example.com" },
    spec: { selectors: [{ cel: { expression: "device.driver == 'gpu.example.com'" } }] },
  },
  {
    ...GROUP,
    kind: "ResourceClaim",
    metadata: { name: "gpu" },
    spec: {
      devices: { requests: [{ name: "gpu", exactly: { deviceClassName: "gpu.example.com" } }] },
    },
  },
  {
    ...GROUP,
    kind: "ResourceSlice",
    metadata: { name: "n1-gpu" },
    spec: {
      driver: "gpu.example.com",
      nodeName: "n1",
      pool: { name: "n1", generation: 1, resourceSliceCount: 1 },
      devices: [{ name: "gpu-0", capacity: { memory: { value: "8Gi" } } }],
    },
  },
];

test("claims for devices are kept and shown, and said to lead to none", async () => {
  await using server = await startTestServer();
  const user = await kubectl(server.kubeconfig, server.directory);
  const input = OBJECTS.map((each) => JSON.stringify(each)).join("\n---\n");
  const { code, stderr } = await user.run(["apply", "-f", "-"], { input });
  assert.equal(code, 0, stderr);
  assert.match(
    stderr,
    /^Warning: ResourceClaim is stored, but nothing here allocates devices: pods that use it stay pending$/m,
  );
  assert.match(await user.ok(["get", "resourceclaims"]), /^NAME\s+STATE\s+AGE\ngpu\s+pending\s/);
  assert.match(
    await user.ok(["get", "resourceslices"]),
    /^NAME\s+NODE\s+DRIVER\s+POOL\s+AGE\nn1-gpu\s+n1\s+gpu\.example\.com\s+n1\s/,
  );
  assert.match(await user.ok(["get", "deviceclasses"]), /^NAME\s+AGE\ngpu\.example\.com\s/);
  const older = ["get", "resourceclaims.v1beta2.resource.k8s.io", "gpu", "-o"];
  assert.equal(
    await user.ok([...older, "jsonpath={.apiVersion} {.spec.devices.requests[0].exactly.count}"]),
    "resource.k8s.io/v1beta2 1",
  );
});
