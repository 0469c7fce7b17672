import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { silentLogger } from "#lib/logger";
import { systemClock } from "#lib/system-clock";
import { FakeNft } from "./fake-nft.ts";
import { ServiceProxy } from "./service-proxy.ts";
import { assignSlots } from "./slots.ts";
import { type ServiceSketch, service, slice } from "./testing.ts";

const TABLE = {
  table: "naru",
  clusterCidr: "10.244.0.0/16",
  serviceCidr: "10.96.0.0/16",
  dnsIp: "10.96.0.10",
  gateway: "10.244.1.1",
};

function start(nft = new FakeNft()) {
  const applied: string[] = [];
  const proxy = new ServiceProxy({
    table: TABLE,
    nodeName: "n1",
    clock: systemClock,
    logger: silentLogger,
    apply: async (commands) => {
      nft.run(commands);
      applied.push(commands);
    },
  });
  return { proxy, nft, applied };
}

const localFirst = { internalTrafficPolicy: "Local" } as const;
const cases: readonly {
  readonly name: string;
  readonly sketch: Omit<ServiceSketch, "ip">;
  readonly ips: readonly string[];
  readonly node?: string;
  readonly conditions?: Parameters<typeof slice>[2];
  readonly services: Readonly<Record<string, string>>;
  readonly refused: Readonly<Record<string, string>>;
}[] = [
  {
    name: "sends to what is ready",
    sketch: {},
    ips: ["10.244.1.2"],
    services: { "10.96.0.20 . tcp . 80": "1" },
    refused: {},
  },
  {
    name: "refuses without endpoints",
    sketch: {},
    ips: [],
    services: {},
    refused: { "10.96.0.20 . tcp . 80": "goto refuse" },
  },
  {
    name: "refuses what is not ready",
    sketch: {},
    ips: ["10.244.1.2"],
    conditions: { ready: false },
    services: {},
    refused: { "10.96.0.20 . tcp . 80": "goto refuse" },
  },
  {
    name: "falls back to what ends but serves",
    sketch: {},
    ips: ["10.244.1.2"],
    conditions: { ready: false, serving: true, terminating: true },
    services: { "10.96.0.20 . tcp . 80": "1" },
    refused: {},
  },
  {
    name: "drops when only other nodes serve",
    sketch: { spec: localFirst },
    ips: ["10.244.2.2"],
    node: "n2",
    services: {},
    refused: { "10.96.0.20 . tcp . 80": "drop" },
  },
  {
    name: "keeps to this node",
    sketch: { spec: localFirst },
    ips: ["10.244.1.2"],
    services: { "10.96.0.20 . tcp . 80": "1" },
    refused: {},
  },
  {
    name: "leaves headless services alone",
    sketch: { spec: { clusterIP: "None" } },
    ips: ["10.244.1.2"],
    services: {},
    refused: {},
  },
];

for (const c of cases) {
  test(`ServiceProxy ${c.name}`, async () => {
    const { proxy, nft } = start();
    proxy.serviceChanged("default/web", service({ ip: "10.96.0.20", ...c.sketch }));
    proxy.sliceChanged("default/web", "s", slice(c.ips, c.node ?? "n1", c.conditions));
    await proxy.start();
    await proxy.close();
    assert.deepEqual(Object.fromEntries(nft.elements.get("services") ?? []), c.services);
    assert.deepEqual(Object.fromEntries(nft.elements.get("refused") ?? []), c.refused);
  });
}

test("ServiceProxy touches a few elements for one endpoint of many", async () => {
  const { proxy, applied } = start();
  const ips = Array.from({ length: 200 }, (_, i) => `10.244.2.${i}`);
  proxy.serviceChanged("default/web", service({ ip: "10.96.0.20" }));
  proxy.sliceChanged("default/web", "s", slice(ips, "n2"));
  await proxy.start();
  proxy.sliceChanged("default/web", "s", slice(ips.slice(1), "n2"));
  await proxy.setHostPorts([]);
  await proxy.close();
  assert.equal(applied.length, 2);
  assert.ok((applied[1]?.length ?? 0) < 600, applied[1] ?? "");
});

test("ServiceProxy writes everything anew after an error", async () => {
  const { proxy, nft } = start();
  proxy.serviceChanged("default/web", service({ ip: "10.96.0.20" }));
  proxy.sliceChanged("default/web", "s", slice(["10.244.1.2"], "n1"));
  await proxy.start();
  nft.run("delete table ip naru");
  proxy.sliceChanged("default/web", "s", slice(["10.244.1.3"], "n1"));
  await proxy.setHostPorts([]);
  await proxy.close();
  assert.deepEqual([...(nft.elements.get("endpoints") ?? [])], [["1 . 0", "10.244.1.3 . 8080"]]);
});

/** A proxy that has seen any history holds the same as one that starts now, up to numbers and places. */
test("ServiceProxy by steps arrives where a new one starts", async () => {
  const names = fc.constantFrom("a", "b", "c");
  const nodes = fc.constantFrom("n1", "n2");
  const step = fc.record({
    name: names,
    isGone: fc.boolean(),
    isSticky: fc.boolean(),
    node: nodes,
    ips: fc.uniqueArray(fc.integer({ min: 2, max: 9 }), { maxLength: 5 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const stepwise = start();
      await stepwise.proxy.start();
      for (const one of steps) {
        tell(stepwise.proxy, one);
        await stepwise.proxy.setHostPorts([]);
      }
      await stepwise.proxy.close();
      const fresh = start();
      for (const one of new Map(steps.map((s) => [s.name, s])).values()) tell(fresh.proxy, one);
      await fresh.proxy.start();
      await fresh.proxy.close();
      assert.deepEqual(meaningOf(stepwise.nft), meaningOf(fresh.nft));
    }),
    { numRuns: 40 },
  );
});

test("assignSlots() keeps places and leaves no gaps", () => {
  const who = fc.uniqueArray(fc.constantFrom(..."abcdefghij".split("")), { maxLength: 10 });
  fc.assert(
    fc.property(who, who, (before, wanted) => {
      const places = assignSlots(before, wanted);
      assert.deepEqual(places.toSorted(), wanted.toSorted());
      for (const [slot, one] of before.entries())
        if (slot < wanted.length && wanted.includes(one)) assert.equal(places[slot], one);
    }),
  );
});

interface Step {
  readonly name: string;
  readonly isGone: boolean;
  readonly isSticky: boolean;
  readonly node: string;
  readonly ips: readonly number[];
}

function tell(proxy: ServiceProxy, step: Step): void {
  const key = `default/${step.name}`;
  const last = step.name.charCodeAt(0);
  const sketch = { ip: `10.96.0.${last}`, name: step.name, nodePort: 30_000 + last };
  const now = service({ ...sketch, isSticky: step.isSticky });
  proxy.serviceChanged(key, step.isGone ? undefined : now);
  proxy.sliceChanged(
    key,
    "s",
    slice(
      step.ips.map((ip) => `10.244.1.${ip}`),
      step.node,
    ),
  );
}

/** For each way in, the verdict, or the endpoints and the kind of balancing. */
function meaningOf(nft: FakeNft): Readonly<Record<string, unknown>> {
  const all = (name: string): [string, string][] => [...(nft.elements.get(name) ?? [])];
  const meaning: Record<string, unknown> = {};
  for (const [key, id] of [...all("services"), ...all("node_ports")]) {
    const own = (name: string) =>
      all(name)
        .filter(([one]) => one.startsWith(`${id} . `))
        .map(([one, value]) => [one, value]);
    meaning[key] = {
      chain: nft.elements.get("dispatch")?.get(id),
      endpoints: own("endpoints")
        .map(([, value]) => value)
        .toSorted(),
      sticky: own("affine_slots")
        .map(([, value]) => value)
        .toSorted(),
      hairpins: own("hairpins")
        .map(([one]) => one?.replace(/^\d+/, ""))
        .toSorted(),
    };
  }
  for (const [key, verdict] of [...all("refused"), ...all("refused_ports")]) meaning[key] = verdict;
  meaning["sizes"] = ["endpoints", "affine_slots", "hairpins", "dispatch"].map(
    (n) => all(n).length,
  );
  return Object.fromEntries(Object.entries(meaning).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
