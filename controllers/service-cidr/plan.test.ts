import assert from "node:assert/strict";
import { test } from "node:test";
import { formatTime } from "#lib/api/time";
import type { IPAddress, ServiceCIDR } from "#proto/networking/v1";
import { planServiceCidr } from "./plan.ts";

const NOW_MS = 1_700_000_000_000;
const FINALIZER = "networking.k8s.io/service-cidr-finalizer";
const READY = { type: "Ready", status: "True", reason: "", message: "m", lastTransitionTime: "t" };

function range(name: string, cidr: string, more: object = {}): ServiceCIDR {
  const metadata = { name, uid: name, finalizers: [FINALIZER], ...more };
  return {
    metadata,
    spec: { cidrs: [cidr] },
    status: { conditions: [READY] },
  } as unknown as ServiceCIDR;
}

function address(name: string, manager = "ipallocator.k8s.io"): IPAddress {
  const labels = { "ipaddress.kubernetes.io/managed-by": manager };
  return { metadata: { name, labels }, spec: {} } as unknown as IPAddress;
}

const goingSince = (ms: number) => ({ deletionTimestamp: formatTime(NOW_MS - ms) });

/** What is there besides, and what follows for 10.0.0.0/24 called "a". */
const CASES: readonly {
  readonly what: string;
  readonly self: ServiceCIDR;
  readonly others?: readonly ServiceCIDR[];
  readonly addresses?: readonly IPAddress[];
  readonly expected: string;
}[] = [
  { what: "well", self: range("a", "10.0.0.0/24"), expected: "nothing" },
  {
    what: "new",
    self: range("a", "10.0.0.0/24", { finalizers: ["x/y"] }),
    expected: `write x/y,${FINALIZER}`,
  },
  {
    what: "not ready yet",
    self: { ...range("a", "10.0.0.0/24"), status: {} },
    expected: "write-status True ",
  },
  {
    what: "to go, unused, just now",
    self: range("a", "10.0.0.0/24", goingSince(4_000)),
    addresses: [address("10.0.1.1"), address("10.0.0.1", "me")],
    expected: "wait 6000",
  },
  {
    what: "to go, unused, for long",
    self: range("a", "10.0.0.0/24", goingSince(10_000)),
    expected: "write ",
  },
  {
    what: "to go, in use",
    self: range("a", "10.0.0.0/24", goingSince(60_000)),
    others: [range("b", "10.0.1.0/24")],
    addresses: [address("10.0.0.1")],
    expected: "write-status False Terminating",
  },
  {
    what: "to go, in use, within another",
    self: range("a", "10.0.0.0/24", goingSince(60_000)),
    others: [range("b", "10.0.0.0/16")],
    addresses: [address("10.0.0.1")],
    expected: "write ",
  },
  {
    what: "to go, held by somebody else only",
    self: range("a", "10.0.0.0/24", { ...goingSince(60_000), finalizers: ["x/y"] }),
    expected: "nothing",
  },
];

for (const { addresses = [], expected, others = [], self, what } of CASES) {
  test(`planServiceCidr(): ${what}`, () => {
    const ranges = [self, ...others];
    const step = planServiceCidr({ range: self, ranges, addresses, nowMs: NOW_MS });
    assert.equal(textOf(step), expected);
  });
}

function textOf(step: ReturnType<typeof planServiceCidr>): string {
  switch (step.kind) {
    case "nothing":
      return step.kind;
    case "wait":
      return `wait ${step.ms}`;
    case "write":
      return `write ${step.range.metadata.finalizers?.join(",")}`;
    case "write-status": {
      const [condition] = step.range.status?.conditions ?? [];
      return `write-status ${condition?.status} ${condition?.reason}`;
    }
  }
}
