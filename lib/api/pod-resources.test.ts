import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "#proto/core/v1";
import {
  heldLimitSums,
  heldRequests,
  podLimitSums,
  podLimits,
  podRequests,
  qosClass,
  type ResourceAmounts,
} from "./pod-resources.ts";

type Amounts = Readonly<Record<string, string>>;

interface Asked {
  readonly requests?: Amounts;
  readonly limits?: Amounts;
  readonly restartPolicy?: string;
}

function pod(containers: readonly Asked[], initContainers: readonly Asked[] = [], spec = {}): Pod {
  const full = ({ restartPolicy, ...resources }: Asked, at: number): object => ({
    name: `c${at}`,
    resources,
    ...(restartPolicy === undefined ? {} : { restartPolicy }),
  });
  return {
    metadata: { name: "p" },
    spec: { containers: containers.map(full), initContainers: initContainers.map(full), ...spec },
    status: {},
  } as unknown as Pod;
}

function texts(amounts: ResourceAmounts): Amounts {
  return Object.fromEntries(Object.entries(amounts).map(([name, each]) => [name, String(each)]));
}

const cpu = (amount: string, more: Asked = {}): Asked => ({ requests: { cpu: amount }, ...more });

const REQUESTS: readonly (readonly [name: string, Pod, Amounts])[] = [
  ["nothing", pod([{}]), {}],
  ["the sum of its containers", pod([cpu("100m"), cpu("1")]), { cpu: "1100m" }],
  ["an init container that needs more", pod([cpu("1")], [cpu("2"), cpu("500m")]), { cpu: "2" }],
  [
    "sidecars beside its containers",
    pod([cpu("1")], [cpu("2", { restartPolicy: "Always" })]),
    { cpu: "3" },
  ],
  [
    "an init container beside the sidecars before it",
    pod([cpu("1")], [cpu("1", { restartPolicy: "Always" }), cpu("3")]),
    { cpu: "4" },
  ],
  [
    "an init container without the sidecars behind it",
    pod([cpu("1")], [cpu("3"), cpu("1", { restartPolicy: "Always" })]),
    { cpu: "3" },
  ],
  ["its overhead", pod([cpu("1")], [], { overhead: { cpu: "250m" } }), { cpu: "1250m" }],
];

for (const [name, given, expected] of REQUESTS) {
  test(`podRequests() counts ${name}`, () => assert.deepEqual(texts(podRequests(given)), expected));
}

test("podLimits() leaves out what some container does not limit", () => {
  const given = pod([{ limits: { cpu: "1", memory: "1Gi" } }, { limits: { memory: "1Gi" } }]);
  assert.deepEqual(texts(podLimits(given)), { memory: "2Gi" });
});

const BOTH = { cpu: "1", memory: "1Gi" };
const QOS: readonly (readonly [Pod, string])[] = [
  [pod([{}]), "BestEffort"],
  [pod([{ requests: { cpu: "0" } }]), "BestEffort"],
  [pod([{ requests: { "a.io/gpu": "1" } }]), "BestEffort"],
  [pod([{ limits: BOTH }]), "Guaranteed"],
  [pod([{ limits: BOTH, requests: { cpu: "1000m" } }]), "Guaranteed"],
  [pod([{ limits: BOTH, requests: { cpu: "500m" } }]), "Burstable"],
  [pod([{ limits: { cpu: "1" } }]), "Burstable"],
  [pod([{ limits: BOTH }, {}]), "Burstable"],
  [pod([{ limits: BOTH }], [{ requests: { cpu: "1" } }]), "Burstable"],
];

for (const [given, expected] of QOS) {
  const asked = JSON.stringify(given.spec.containers.map(({ resources }) => resources));
  test(`qosClass() of ${asked} is ${expected}`, () => assert.equal(qosClass(given), expected));
}

const WHOLE = { resources: { requests: { cpu: "5" }, limits: { memory: "3Gi" } } };

test("what a pod says for itself counts instead of the sum", () => {
  const given = pod(
    [{ requests: { cpu: "1", memory: "1Gi" }, limits: { memory: "2Gi" } }, {}],
    [],
    {
      ...WHOLE,
      overhead: { cpu: "1" },
    },
  );
  assert.deepEqual(texts(podRequests(given)), { cpu: "6", memory: "1Gi" });
  assert.deepEqual(texts(podLimits(given)), { memory: "3Gi" });
  assert.deepEqual(texts(podLimitSums(given)), { cpu: "1", memory: "3Gi" });
});

test("qosClass() goes by what a pod says for itself, where it does", () => {
  const guaranteed = { resources: { requests: BOTH, limits: BOTH } };
  assert.equal(qosClass(pod([{}], [], guaranteed)), "Guaranteed");
  assert.equal(
    qosClass(pod([{ limits: BOTH }], [], { resources: { limits: BOTH } })),
    "Guaranteed",
  );
  assert.equal(qosClass(pod([{ limits: BOTH }], [], WHOLE)), "Burstable");
});

interface Resized {
  readonly name: string;
  readonly wanted: string;
  readonly allocated: string;
  readonly actual: string;
  readonly isInfeasible?: true;
  readonly held: string;
}

const RESIZED: readonly Resized[] = [
  { name: "growth that waits", wanted: "3", allocated: "1", actual: "1", held: "3" },
  { name: "growth under way", wanted: "3", allocated: "3", actual: "1", held: "3" },
  { name: "shrinking under way", wanted: "1", allocated: "1", actual: "2", held: "2" },
  { name: "a new wish", wanted: "1", allocated: "3", actual: "2", held: "3" },
  {
    name: "what will never be",
    wanted: "9",
    allocated: "1",
    actual: "2",
    isInfeasible: true,
    held: "2",
  },
];

for (const { actual, allocated, held, isInfeasible, name, wanted } of RESIZED) {
  const pending = { type: "PodResizePending", status: "True", reason: "Infeasible" };
  const conditions = isInfeasible ? [pending] : [];
  const requirements = { requests: { cpu: actual }, limits: { cpu: actual } };
  const more = { allocatedResources: { cpu: allocated }, resources: requirements };
  test(`heldRequests() of ${name}`, () => {
    const given = pod([{ requests: { cpu: wanted }, limits: { cpu: wanted } }]);
    const status = { conditions, containerStatuses: [{ name: "c0", ...more }] };
    const resized = { ...given, status } as unknown as Pod;
    assert.deepEqual(texts(heldRequests(resized)), { cpu: held });
  });
  test(`heldRequests() of ${name}, of a pod as a whole`, () => {
    const whole = { requests: { cpu: wanted } };
    const given = pod([{}], [], { resources: whole });
    const status = {
      conditions,
      containerStatuses: [{ name: "c0", resources: {} }],
      ...more,
    };
    assert.deepEqual(texts(heldRequests({ ...given, status } as unknown as Pod)), { cpu: held });
  });
}

test("heldLimitSums() counts what is still allowed", () => {
  const given = pod([{ limits: { memory: "1Gi" } }]);
  const resources = { limits: { memory: "2Gi" } };
  const status = { containerStatuses: [{ name: "c0", resources }] };
  assert.deepEqual(texts(heldLimitSums({ ...given, status } as unknown as Pod)), { memory: "2Gi" });
});
