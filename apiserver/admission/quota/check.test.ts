import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApiObject } from "#proto";
import type { ResourceQuota } from "#proto/core/v1";
import { configMaps, pods, services } from "#resources";
import { type Charge, charge } from "./check.ts";

type Texts = Readonly<Record<string, string>>;

const quota = (hard: Texts, used: Texts, more: object = {}): ResourceQuota =>
  ({ metadata: { name: "q" }, spec: { hard, ...more }, status: { hard, used } }) as never;

const pod = (resources: object): ApiObject =>
  ({
    metadata: { name: "p" },
    status: {},
    spec: { containers: [{ name: "c", resources }], initContainers: [{ name: "i", resources }] },
  }) as never;

const nodePorts = (count: number): ApiObject =>
  ({ spec: { type: "NodePort", ports: Array.from({ length: count }, () => ({})) } }) as never;

/** What is used then, of each quota; or the refusal. */
function told(quotas: readonly ResourceQuota[], wanted: Charge): string {
  const outcome = charge(quotas, wanted, 0);
  return "refusal" in outcome
    ? outcome.refusal
    : outcome.quotas.map(({ status }) => JSON.stringify(status.used)).join(" ");
}

const CASES: readonly (readonly [string, readonly ResourceQuota[], Charge, string])[] = [
  [
    "adds to all quotas that count it",
    [quota({ pods: "2" }, { pods: "1" }), quota({ "count/pods": "9" }, { "count/pods": "4" })],
    { resource: pods, object: pod({}) },
    '{"pods":"2"} {"count/pods":"5"}',
  ],
  [
    "names only what is exceeded, in order",
    [quota({ cpu: "1", memory: "1Gi", pods: "5" }, { cpu: "900m", memory: "1Gi", pods: "1" })],
    { resource: pods, object: pod({ requests: { cpu: "200m", memory: "1Mi" } }) },
    "exceeded quota: q, requested: cpu=200m,memory=1Mi, used: cpu=900m,memory=1Gi, limited: cpu=1,memory=1Gi",
  ],
  [
    "wants to be told what it counts",
    [quota({ "limits.cpu": "1", "requests.memory": "1Gi", "requests.storage": "1" }, {})],
    { resource: pods, object: pod({ requests: { cpu: "1" } }) },
    "failed quota: q: must specify limits.cpu for: c,i; requests.memory for: c,i",
  ],
  [
    "leaves alone what it does not count",
    [quota({ pods: "1" }, { pods: "1" })],
    { resource: configMaps, object: {} as never },
    '{"pods":"1"}',
  ],
  [
    "leaves alone what is out of scope",
    [quota({ pods: "1" }, { pods: "1" }, { scopes: ["BestEffort"] })],
    { resource: pods, object: pod({ requests: { cpu: "1" } }) },
    '{"pods":"1"}',
  ],
  [
    "does not count before its controller has",
    [{ ...quota({ pods: "0" }, {}), status: {} }],
    { resource: pods, object: pod({}) },
    "",
  ],
  [
    "charges an update for what is more",
    [quota({ "services.nodeports": "3" }, { "services.nodeports": "1" })],
    { resource: services, object: nodePorts(3), oldObject: nodePorts(1) },
    '{"services.nodeports":"3"}',
  ],
  [
    "lets an update use less, though the quota is exceeded",
    [quota({ "services.nodeports": "1" }, { "services.nodeports": "3" })],
    { resource: services, object: nodePorts(1), oldObject: nodePorts(3) },
    '{"services.nodeports":"3"}',
  ],
  [
    "lets what needs nothing of it pass a quota that is exceeded",
    [quota({ pods: "9", "requests.cpu": "1" }, { pods: "1", "requests.cpu": "3" })],
    { resource: pods, object: pod({ requests: { cpu: "0" } }) },
    '{"pods":"2","requests.cpu":"3"}',
  ],
];

for (const [what, quotas, wanted, outcome] of CASES) {
  test(`charge() ${what}`, () => {
    assert.equal(told(quotas, wanted), outcome);
  });
}
