import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "#proto/core/v1";
import { isAvailable, podLimits, podRequests, qosClass, type ResourceAmounts } from "./pod.ts";

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

test("isAvailable() waits for minReadySeconds", () => {
  const at = "2026-01-01T00:00:00Z";
  const ready = (status: string): Pod =>
    ({
      status: { conditions: [{ type: "Ready", status, lastTransitionTime: at }] },
    }) as unknown as Pod;
  const later = (seconds: number): number => Date.parse(at) + seconds * 1000;
  assert(isAvailable(ready("True"), 0, later(0)));
  assert(!isAvailable(ready("True"), 10, later(9)));
  assert(isAvailable(ready("True"), 10, later(10)));
  assert(!isAvailable(ready("False"), 0, later(100)));
});
