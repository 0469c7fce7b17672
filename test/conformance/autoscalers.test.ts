/** HorizontalPodAutoscalers through the real kubectl, in both versions. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { type Kubectl, kubectl, oldKubectl } from "../harness/kubectl.ts";

const TIMEOUT = { timeout: 60_000 };

let server: TestServer;
let k: Kubectl;
/** Knows `autoscaling/v1`. */
let old: Kubectl;

before(async () => {
  server = await startTestServer();
  k = await kubectl(server.kubeconfig, server.directory);
  old = await oldKubectl(server.kubeconfig, server.directory);
  await k.ok(["create", "deployment", "web", "--image=none"]);
}, TIMEOUT);

after(() => server[Symbol.asyncDispose](), TIMEOUT);

async function json(
  ...args: string[]
): Promise<{ readonly spec: object; readonly status: object }> {
  return JSON.parse(await k.ok([...args, "-o", "json"]));
}

test("kubectl autoscale makes one, whichever version kubectl knows", TIMEOUT, async () => {
  await k.ok(["autoscale", "deployment", "web", "--min=2", "--max=5", "--cpu=60%"]);
  const made = await json("get", "hpa", "web");
  assert.deepEqual(made.spec, {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
    minReplicas: 2,
    maxReplicas: 5,
    metrics: [
      {
        type: "Resource",
        resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 60 } },
      },
    ],
  });
  await old.ok(["autoscale", "deployment", "web", "--name=old", "--max=3", "--cpu-percent=50"]);
  const table = await k.ok(["get", "hpa"]);
  assert.match(table, /^NAME\s+REFERENCE\s+TARGETS\s+MINPODS\s+MAXPODS\s+REPLICAS\s+AGE$/m);
  assert.match(table, /^old\s+Deployment\/web\s+cpu: <unknown>\/50%\s+1\s+3\s+0\s+\d+s$/m);
  assert.match(table, /^web\s+Deployment\/web\s+cpu: <unknown>\/60%\s+2\s+5\s+0\s+\d+s$/m);
  const inV1 = await k.ok(["get", "hpa.v1.autoscaling", "web"]);
  assert.match(inV1, /^web\s+Deployment\/web\s+cpu: <unknown>\/60%\s+2\s+5\s+0\s+\d+s$/m);
});

const MANIFEST = `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: whole}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 9
  metrics:
  - {type: Resource, resource: {name: memory, target: {type: AverageValue, averageValue: 64Mi}}}
  - type: ContainerResource
    containerResource: {name: cpu, container: none, target: {type: Utilization, averageUtilization: 70}}
  - {type: Pods, pods: {metric: {name: hits}, target: {type: AverageValue, averageValue: "5"}}}
  behavior:
    scaleDown: {selectPolicy: Disabled}
`;

test("describe, tables and the status tell what there is", TIMEOUT, async () => {
  await k.ok(["apply", "-f", "-"], { input: MANIFEST });
  const status = {
    currentReplicas: 3,
    desiredReplicas: 4,
    currentMetrics: [
      { type: "Resource", resource: { name: "memory", current: { averageValue: "32Mi" } } },
    ],
    conditions: [
      {
        ...{ type: "ScalingLimited", status: "True", reason: "ScaleUpLimit", message: "too fast" },
        lastTransitionTime: "2026-01-01T00:00:00Z",
      },
    ],
  };
  const patch = JSON.stringify({ status });
  await k.ok(["patch", "hpa", "whole", "--subresource=status", "--type=merge", "-p", patch]);
  assert.match(
    await k.ok(["get", "hpa", "whole"]),
    /memory: 32Mi\/64Mi, cpu: <unknown>\/70% \+ 1 more\.\.\.\s+1\s+9\s+3/,
  );
  const described = await k.ok(["describe", "hpa", "whole"]);
  assert.match(described, /resource memory on pods:\s+32Mi \/ 64Mi/);
  assert.match(described, /ScalingLimited\s+True\s+ScaleUpLimit\s+too fast/);
  assert.match(described, /Select Policy: Disabled/);
  assert.match(
    await old.ok(["describe", "hpa", "whole"]),
    /autoscaling\.alpha\.kubernetes\.io\/conditions:\s+\[\{"type":"ScalingLimited"/,
  );
});

test("explain and api-resources know both versions", TIMEOUT, async () => {
  const kinds = await k.ok(["api-resources", "--api-group=autoscaling", "--no-headers"]);
  assert.match(kinds, /^horizontalpodautoscalers\s+hpa\s+autoscaling\/v2\s+true/m);
  assert.match(await k.ok(["explain", "hpa.spec.behavior.scaleUp.policies"]), /periodSeconds/);
  const versions = await k.ok(["api-versions"]);
  assert.deepEqual(versions.match(/^autoscaling\/.*$/gm), ["autoscaling/v1", "autoscaling/v2"]);
});

test("what is wrong is refused by name", TIMEOUT, async () => {
  const wrong = MANIFEST.replace("maxReplicas: 9", "maxReplicas: 0");
  const { stderr } = await k.run(["apply", "-f", "-"], { input: wrong });
  assert.match(stderr, /spec\.maxReplicas: Invalid value: 0: must be greater than 0/);
});
