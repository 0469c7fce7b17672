import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "#lib/json";
import { flowSchemas, priorityLevelConfigurations } from "#resources";
import { DEFAULT_LEVELS, DEFAULT_SCHEMAS } from "../../fairness/default-objects.ts";
import { made, problems, updated } from "../testing.ts";

const RESOURCES = { verbs: ["get"], apiGroups: [""], resources: ["pods"], namespaces: ["*"] };
const SUBJECT = { kind: "User", user: { name: "u" } };

function schema(rule: JsonObject, spec: JsonObject = {}): JsonObject {
  const rules = [{ subjects: [SUBJECT], resourceRules: [RESOURCES], ...rule }];
  return { spec: { priorityLevelConfiguration: { name: "l" }, rules, ...spec } };
}

function level(limited: JsonObject): JsonObject {
  return {
    spec: { type: "Limited", limited: { limitResponse: { type: "Reject" }, ...limited } },
  };
}

const queued = (queuing: JsonObject) => level({ limitResponse: { type: "Queue", queuing } });

test("every default object is well, and is what defaults make of it", () => {
  for (const [resource, objects] of [
    [flowSchemas, DEFAULT_SCHEMAS],
    [priorityLevelConfigurations, DEFAULT_LEVELS],
  ] as const) {
    for (const { name, spec } of objects) {
      assert.deepEqual(problems(resource, { metadata: { name }, spec }), [], name);
      assert.deepEqual(made(resource, { metadata: { name }, spec })["spec"], spec);
    }
  }
});

test("what is left out of a schema and a level has Kubernetes' defaults", () => {
  const { matchingPrecedence } = made(flowSchemas, schema({}))["spec"] as JsonObject;
  assert.equal(matchingPrecedence, 1000);
  assert.deepEqual(made(priorityLevelConfigurations, queued({}))["spec"], {
    type: "Limited",
    limited: {
      nominalConcurrencyShares: 30,
      lendablePercent: 0,
      limitResponse: {
        type: "Queue",
        queuing: { queues: 64, handSize: 8, queueLengthLimit: 50 },
      },
    },
  });
  const none = made(priorityLevelConfigurations, level({ nominalConcurrencyShares: 0 }));
  const { limited } = none["spec"] as { readonly limited: JsonObject };
  assert.equal(limited["nominalConcurrencyShares"], 0);
});

const SCHEMA_PROBLEMS: readonly (readonly [JsonObject, RegExp])[] = [
  [schema({}, { matchingPrecedence: 10_001 }), /^spec\.matchingPrecedence: .* 1 and 10000/],
  [schema({}, { matchingPrecedence: -1 }), /^spec\.matchingPrecedence: /],
  [schema({}, { matchingPrecedence: 1 }), /^spec\.matchingPrecedence: .*only for .*exempt/],
  [
    schema({}, { priorityLevelConfiguration: { name: "" } }),
    /^spec\.priorityLevelConfiguration\.name: Required/,
  ],
  [
    schema({}, { priorityLevelConfiguration: { name: "A_" } }),
    /^spec\.priorityLevelConfiguration\.name: Invalid/,
  ],
  [
    schema({}, { distinguisherMethod: { type: "ByMoon" } }),
    /^spec\.distinguisherMethod\.type: Unsupported/,
  ],
  [schema({ subjects: [] }), /^spec\.rules\[0\]\.subjects: Required/],
  [schema({ resourceRules: [] }), /^spec\.rules\[0\]: Required/],
  [schema({ subjects: [{ kind: "Robot" }] }), /^spec\.rules\[0\]\.subjects\[0\]\.kind: Uns/],
  [schema({ subjects: [{ kind: "Group" }] }), /^spec\.rules\[0\]\.subjects\[0\]\.group: Req/],
  [
    schema({ subjects: [{ ...SUBJECT, group: { name: "g" } }] }),
    /^spec\.rules\[0\]\.subjects\[0\]\.group: Forbidden/,
  ],
  [
    schema({ subjects: [{ kind: "ServiceAccount", serviceAccount: { name: "*" } }] }),
    /^spec\.rules\[0\]\.subjects\[0\]\.serviceAccount\.namespace: Required/,
  ],
  [
    schema({ resourceRules: [{ ...RESOURCES, verbs: ["*", "get"] }] }),
    /^spec\.rules\[0\]\.resourceRules\[0\]\.verbs: .*alone/,
  ],
  [
    schema({ resourceRules: [{ ...RESOURCES, verbs: ["fetch"] }] }),
    /^spec\.rules\[0\]\.resourceRules\[0\]\.verbs: Unsupported/,
  ],
  [
    schema({ resourceRules: [{ ...RESOURCES, namespaces: [] }] }),
    /^spec\.rules\[0\]\.resourceRules\[0\]\.namespaces: Required/,
  ],
  [
    schema({ resourceRules: [{ ...RESOURCES, namespaces: ["A"] }] }),
    /^spec\.rules\[0\]\.resourceRules\[0\]\.namespaces\[0\]: Invalid/,
  ],
  ...["healthz", "/a b", "/a//b", "/a*", "/*/b"].map((url): readonly [JsonObject, RegExp] => [
    schema({ nonResourceRules: [{ verbs: ["get"], nonResourceURLs: [url] }] }),
    /^spec\.rules\[0\]\.nonResourceRules\[0\]\.nonResourceURLs\[0\]: Invalid/,
  ]),
];

test("flow schemas that are wrong are refused by the field", () => {
  for (const [fields, why] of SCHEMA_PROBLEMS) {
    const found = problems(flowSchemas, fields);
    assert.equal(found.length, 1, JSON.stringify([fields, found]));
    assert.match(found[0] ?? "", why);
  }
  const cluster = { ...RESOURCES, namespaces: [], clusterScope: true };
  assert.deepEqual(problems(flowSchemas, schema({ resourceRules: [cluster] })), []);
  const paths = { verbs: ["*"], nonResourceURLs: ["/healthz", "/healthz/*", "/"] };
  assert.deepEqual(problems(flowSchemas, schema({ nonResourceRules: [paths] })), []);
});

const LEVEL_PROBLEMS: readonly (readonly [JsonObject, RegExp])[] = [
  [{ spec: { type: "Free" } }, /^spec\.type: Unsupported/],
  [{ spec: { type: "Exempt" } }, /^spec\.type: Invalid/],
  [{ spec: { type: "Limited" } }, /^spec\.limited: Required/],
  [{ spec: { ...(level({})["spec"] as JsonObject), exempt: {} } }, /^spec\.exempt: Forbidden/],
  [level({ nominalConcurrencyShares: -1 }), /^spec\.limited\.nominalConcurrencyShares: Inv/],
  [level({ lendablePercent: 101 }), /^spec\.limited\.lendablePercent: Invalid/],
  [level({ borrowingLimitPercent: -1 }), /^spec\.limited\.borrowingLimitPercent: Invalid/],
  [level({ limitResponse: {} }), /^spec\.limited\.limitResponse\.type: Unsupported/],
  [
    level({ limitResponse: { type: "Reject", queuing: {} } }),
    /^spec\.limited\.limitResponse\.queuing: Forbidden/,
  ],
  [level({ limitResponse: { type: "Queue" } }), /^spec\.limited\.limitResponse\.queuing: Required/],
  [queued({ queues: 4, handSize: 5 }), /\.queuing\.handSize: .*greater than queues \(4\)/],
  [queued({ queues: 100_000, handSize: 8 }), /\.queuing\.handSize: .*bits/],
  [queued({ queues: 10_000_001, handSize: 1 }), /\.queuing\.queues: Invalid/],
  [queued({ queueLengthLimit: -1 }), /\.queuing\.queueLengthLimit: Invalid/],
];

test("priority levels that are wrong are refused by the field", () => {
  for (const [fields, why] of LEVEL_PROBLEMS) {
    const found = problems(priorityLevelConfigurations, fields);
    assert.equal(found.length, 1, JSON.stringify([fields, found]));
    assert.match(found[0] ?? "", why);
  }
});

test("mandatory objects are fixed, but for what the exempt level lends", () => {
  const named = (name: string) => ({ metadata: { name } });
  const exempt = { type: "Exempt", exempt: { nominalConcurrencyShares: 10, lendablePercent: 50 } };
  assert.deepEqual(problems(priorityLevelConfigurations, { ...named("exempt"), spec: exempt }), []);
  const all = { ...named("catch-all"), ...level({ nominalConcurrencyShares: 50 }) };
  assert.match(problems(priorityLevelConfigurations, all).join(), /^spec: .*is fixed/);
  const before = DEFAULT_SCHEMAS.find(({ name }) => name === "catch-all")?.spec ?? {};
  const after = { ...before, matchingPrecedence: 9999 };
  const found = updated(
    flowSchemas,
    { ...named("catch-all"), spec: before },
    { ...named("catch-all"), spec: after },
  );
  assert.match(found.join(), /^spec: .*"catch-all" is fixed/);
});
