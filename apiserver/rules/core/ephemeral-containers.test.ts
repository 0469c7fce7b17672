import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "#lib/json";
import { pods } from "#resources";
import { rules } from "../index.ts";

const DEBUG = { name: "debug", image: "busybox:1", resources: {} };
const SPEC = {
  restartPolicy: "Always",
  dnsPolicy: "ClusterFirst",
  serviceAccountName: "default",
  serviceAccount: "default",
  containers: [{ name: "main", image: "web:1", resources: {} }],
};

function podWith(ephemeralContainers: readonly JsonObject[]): JsonObject {
  const metadata = { name: "a", namespace: "d" };
  return { apiVersion: "v1", kind: "Pod", metadata, spec: { ...SPEC, ephemeralContainers } };
}

function problems(before: readonly JsonObject[], after: readonly JsonObject[]): readonly string[] {
  const old = podWith(before);
  const next = rules.prepareForUpdate(pods, podWith(after), old, "ephemeralcontainers");
  const causes = rules.validateUpdate(pods, next, old, "ephemeralcontainers");
  return causes.map(({ field, message }) => `${field}: ${message.trim()}`);
}

const WHY = "Forbidden: cannot be set for an Ephemeral Container";
const AT = "spec.ephemeralContainers";
const CASES: readonly {
  readonly name: string;
  readonly before?: readonly JsonObject[];
  readonly after: readonly JsonObject[];
  readonly expect: readonly string[];
}[] = [
  { name: "a first one", after: [DEBUG], expect: [] },
  { name: "a second one", before: [DEBUG], after: [DEBUG, { ...DEBUG, name: "two" }], expect: [] },
  {
    name: "one that goes",
    before: [DEBUG],
    after: [],
    expect: [`${AT}: Forbidden: existing ephemeral containers "debug" may not be removed`],
  },
  {
    name: "one that changes",
    before: [DEBUG],
    after: [{ ...DEBUG, image: "busybox:2" }],
    expect: [`${AT}: Forbidden: existing ephemeral containers "debug" may not be changed`],
  },
  {
    name: "a name that a container has",
    after: [{ ...DEBUG, name: "main" }],
    expect: [`${AT}[0].name: Duplicate value: "main"`],
  },
  {
    name: "a target that is not there",
    after: [{ ...DEBUG, targetContainerName: "other" }],
    expect: [`${AT}[0].targetContainerName: Not found: "other"`],
  },
  { name: "a target", after: [{ ...DEBUG, targetContainerName: "main" }], expect: [] },
  {
    name: "limits and a restart policy",
    after: [{ ...DEBUG, restartPolicy: "Always", resources: { limits: { cpu: "1" } } }],
    expect: [`${AT}[0].restartPolicy: ${WHY}`, `${AT}[0].resources: ${WHY}`],
  },
];

for (const { name, before = [], after, expect } of CASES) {
  test(`${name}: ${expect.length === 0 ? "taken" : "refused"}`, () => {
    assert.deepEqual(problems(before, after), expect);
  });
}

test("nothing else of the pod changes on this route", () => {
  const old = podWith([]);
  const given = {
    ...podWith([DEBUG]),
    metadata: { name: "a", namespace: "d", labels: { a: "b" } },
  };
  const next = rules.prepareForUpdate(pods, given, old, "ephemeralcontainers");
  assert.deepEqual(next, podWith([DEBUG]));
});

test("a new pod has none", () => {
  const causes = rules.validateCreate(pods, podWith([DEBUG]));
  assert.deepEqual(
    causes.map(({ field }) => field),
    [AT],
  );
});

test("a pod that has one can still be labelled", () => {
  const old = podWith([DEBUG]);
  const labelled = { ...old, metadata: { name: "a", namespace: "d", labels: { a: "b" } } };
  const next = rules.prepareForUpdate(pods, labelled, old, undefined);
  assert.deepEqual(rules.validateUpdate(pods, next, old, undefined), []);
});
