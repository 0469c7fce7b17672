import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import { horizontalPodAutoscalers, horizontalPodAutoscalersV1 } from "#resources";
import { TestCores } from "../../test-core.ts";

const cores = new TestCores();
after(() => cores.close());

async function newApi() {
  const core = await cores.open();
  return core.as({ name: "test", groups: [] });
}

const V1 = { resource: horizontalPodAutoscalersV1, namespace: "default" };
const V2 = { resource: horizontalPodAutoscalers, namespace: "default" };
const PREFIX = "autoscaling.alpha.kubernetes.io/";

function autoscaler(spec: JsonObject = {}, metadata: JsonObject = {}): JsonObject {
  const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "web" };
  return {
    metadata: { name: "web", ...metadata },
    spec: { scaleTargetRef, maxReplicas: 5, ...spec },
  };
}

function resource(target: JsonObject, more: JsonObject = {}): JsonObject {
  return { type: "Resource", resource: { name: "cpu", target, ...more } };
}

async function made(spec: JsonObject, target: typeof V1 | typeof V2 = V2): Promise<JsonObject> {
  return (await (await newApi()).create(target, autoscaler(spec))) as unknown as JsonObject;
}

function at(object: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<string, unknown>)?.[key], object);
}

test("an autoscaler gets one replica at least and 80 % of CPU", async () => {
  const object = await made({});
  assert.equal(at(object, "spec", "minReplicas"), 1);
  assert.deepEqual(at(object, "spec", "metrics"), [
    resource({ type: "Utilization", averageUtilization: 80 }),
  ]);
  assert.equal(at(object, "spec", "behavior"), undefined);
  assert.deepEqual(object["status"], { desiredReplicas: 0, currentMetrics: [] });
});

test("a behaviour gets what it does not say", async () => {
  const object = await made({ behavior: { scaleDown: { stabilizationWindowSeconds: 60 } } });
  assert.deepEqual(at(object, "spec", "behavior"), {
    scaleUp: {
      stabilizationWindowSeconds: 0,
      selectPolicy: "Max",
      policies: [
        { type: "Pods", value: 4, periodSeconds: 15 },
        { type: "Percent", value: 100, periodSeconds: 15 },
      ],
    },
    scaleDown: {
      stabilizationWindowSeconds: 60,
      selectPolicy: "Max",
      policies: [{ type: "Percent", value: 100, periodSeconds: 15 }],
    },
  });
});

const OK = { type: "Utilization", averageUtilization: 50 };
const policy = (fields: JsonObject) => ({
  behavior: { scaleUp: { policies: [{ type: "Pods", value: 1, periodSeconds: 1, ...fields }] } },
});
const REFUSED: readonly (readonly [spec: JsonObject, message: string])[] = [
  [{ minReplicas: 0 }, "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1"],
  [{ maxReplicas: 0 }, "spec.maxReplicas: Invalid value: 0: must be greater than 0"],
  [
    { minReplicas: 6 },
    "spec.maxReplicas: Invalid value: 5: must be greater than or equal to `minReplicas`",
  ],
  [{ scaleTargetRef: { name: "web" } }, "spec.scaleTargetRef.kind: Required value"],
  [{ scaleTargetRef: { kind: "D", name: "a/b" } }, "spec.scaleTargetRef.name: Invalid value"],
  [
    { scaleTargetRef: { kind: "D", name: "a", apiVersion: "a/b/c" } },
    "spec.scaleTargetRef.apiVersion: Invalid value",
  ],
  [{ metrics: [{ type: "" }] }, "spec.metrics[0].type: Required value"],
  [{ metrics: [{ type: "Guess" }] }, 'spec.metrics[0].type: Unsupported value: "Guess"'],
  [{ metrics: [{ type: "Pods" }] }, "spec.metrics[0].pods: Required value"],
  [
    { metrics: [{ ...resource(OK), pods: { metric: { name: "m" }, target: OK } }] },
    "spec.metrics[0].pods: Forbidden: must populate the given metric source only",
  ],
  [{ metrics: [resource({ type: "Guess", averageUtilization: 1 })] }, "target.type: Invalid value"],
  [
    { metrics: [resource({ type: "Utilization" })] },
    "spec.metrics[0].resource.target.averageUtilization: Required value",
  ],
  [
    { metrics: [resource({ ...OK, averageValue: "1" })] },
    "spec.metrics[0].resource.target.averageValue: Forbidden",
  ],
  [
    { metrics: [resource({ type: "Utilization", averageUtilization: 0 })] },
    "target.averageUtilization: Invalid value: 0: must be greater than 0",
  ],
  [
    { metrics: [resource({ type: "AverageValue", averageValue: "-1" })] },
    'target.averageValue: Invalid value: "-1": must be positive',
  ],
  [
    { metrics: [{ type: "ContainerResource", containerResource: { name: "cpu", target: OK } }] },
    "spec.metrics[0].containerResource.container: Required value",
  ],
  [
    { metrics: [{ type: "External", external: { metric: {}, target: { type: "Value" } } }] },
    "spec.metrics[0].external.metric.name: Required value",
  ],
  [
    { metrics: [{ type: "Object", object: { metric: { name: "m" }, target: { type: "Value" } } }] },
    "spec.metrics[0].object.describedObject.kind: Required value",
  ],
  [policy({ type: "Few" }), "policies[0].type: Unsupported value"],
  [policy({ value: 0 }), "policies[0].value: Invalid value: 0: must be greater than zero"],
  [policy({ periodSeconds: 1801 }), "must be less than or equal to 1800"],
  [
    { behavior: { scaleDown: { stabilizationWindowSeconds: 3601 } } },
    "spec.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: 3601",
  ],
  [{ behavior: { scaleUp: { selectPolicy: "Most" } } }, "scaleUp.selectPolicy: Unsupported value"],
  [{ behavior: { scaleUp: { tolerance: "-100m" } } }, "scaleUp.tolerance: Invalid value"],
];
for (const [spec, message] of REFUSED) {
  test(`an autoscaler is refused: ${message}`, async () => {
    await assert.rejects(made(spec), (error) => {
      assert.ok(StatusError.is(error, "Invalid"));
      assert.ok((error as Error).message.includes(message), (error as Error).message);
      return true;
    });
  });
}

test("what is wrong in v1 is told in v2's fields", async () => {
  await assert.rejects(
    made({ targetCPUUtilizationPercentage: 0 }, V1),
    /spec\.metrics\[0\]\.resource\.target\.averageUtilization: Invalid value: 0/,
  );
  const annotations = { [`${PREFIX}behavior`]: '{"ScaleUp":{"Policies":null}}' };
  await assert.rejects(
    (await newApi()).create(V1, autoscaler({}, { annotations })),
    /spec\.behavior\.scaleUp\.policies: Required value: must specify at least one Policy/,
  );
});

test("the old face shows and takes the same autoscaler", async () => {
  const api = await newApi();
  await api.create(V1, autoscaler({ targetCPUUtilizationPercentage: 60 }));
  const key = { ...V2, name: "web" };
  const read = await api.get(key);
  assert.deepEqual(at(read, "spec", "metrics"), [
    resource({ type: "Utilization", averageUtilization: 60 }),
  ]);
  const status = {
    currentReplicas: 1,
    desiredReplicas: 2,
    conditions: [condition("ScalingActive")],
  };
  await api.update({ ...key, subresource: "status" }, { ...read, status } as never);

  // Who changes the spec, and knows nothing of annotations, leaves the status as it is.
  const old = await api.get({ ...V1, name: "web" });
  assert.equal(at(old, "spec", "targetCPUUtilizationPercentage"), 60);
  const { resourceVersion } = old.metadata;
  await api.update({ ...V1, name: "web" }, autoscaler({ maxReplicas: 7 }, { resourceVersion }));
  const after = await api.get(key);
  assert.deepEqual(
    [at(after, "spec", "maxReplicas"), at(after, "status", "conditions", 0, "type")],
    [7, "ScalingActive"],
  );
});

function condition(type: string): JsonObject {
  return { type, status: "True", lastTransitionTime: "2026-01-01T00:00:00Z", reason: "R" };
}

test("through the old face a status leaves the spec as it is", async () => {
  const api = await newApi();
  const metrics = [
    {
      type: "Pods",
      pods: { metric: { name: "m" }, target: { type: "AverageValue", averageValue: "5" } },
    },
  ];
  await api.create(V2, autoscaler({ metrics }));
  const old = await api.get({ ...V1, name: "web" });
  const annotations = { [`${PREFIX}conditions`]: JSON.stringify([condition("AbleToScale")]) };
  const status = { currentReplicas: 3, desiredReplicas: 3 };
  await api.update({ ...V1, name: "web", subresource: "status" }, {
    ...old,
    metadata: { ...old.metadata, annotations },
    status,
  } as never);
  const after = await api.get({ ...V2, name: "web" });
  assert.deepEqual(at(after, "spec", "metrics"), metrics);
  assert.deepEqual(
    [at(after, "status", "currentReplicas"), at(after, "status", "conditions", 0, "type")],
    [3, "AbleToScale"],
  );
});

test("v2 keeps none of v1's annotations, and a generation counts what is wanted", async () => {
  const api = await newApi();
  const annotations = { [`${PREFIX}metrics`]: "[]", mine: "1" };
  const created = await api.create(V2, autoscaler({}, { annotations }));
  assert.deepEqual([created.metadata.annotations, created.metadata.generation], [{ mine: "1" }, 1]);
  const { resourceVersion } = created.metadata;
  const key = { ...V2, name: "web" };
  const updated = await api.update(key, autoscaler({ maxReplicas: 9 }, { resourceVersion }));
  assert.equal(updated.metadata.generation, 2);
});
