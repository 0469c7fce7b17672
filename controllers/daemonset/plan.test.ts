import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { DaemonSet } from "#proto/apps/v1";
import type { Node, Pod, Taint } from "#proto/core/v1";
import { REVISION_HASH } from "../revisions.ts";
import { nodeOf, planDaemonSet, shouldRun } from "./plan.ts";

const NOW_MS = Date.parse("2026-01-01T01:00:00Z");

interface SetOptions {
  readonly spec?: object;
  readonly strategy?: object;
}

function daemonSet({ spec = {}, strategy = {} }: SetOptions = {}): DaemonSet {
  return {
    metadata: { name: "d", namespace: "default", uid: "d" },
    spec: {
      template: { metadata: {}, spec: { containers: [], ...spec } },
      updateStrategy: { type: "RollingUpdate", rollingUpdate: strategy },
    },
    status: {},
  } as unknown as DaemonSet;
}

function node(name: string, labels: object = {}, taints: readonly Taint[] = []): Node {
  return { metadata: { name, labels }, spec: { taints }, status: {} } as unknown as Node;
}

interface PodOptions {
  readonly hash?: string;
  readonly ready?: boolean;
  readonly phase?: string;
  readonly leaving?: boolean;
  readonly at?: string;
}

function pod(nodeName: string, options: PodOptions = {}): Pod {
  const {
    at = "2026-01-01T00:00:00Z",
    hash = "new",
    leaving,
    phase = "Running",
    ready = true,
  } = options;
  const condition = { type: "Ready", status: ready ? "True" : "False", lastTransitionTime: at };
  return {
    metadata: {
      name: `${nodeName}-${hash}-${at}`,
      creationTimestamp: at,
      labels: { [REVISION_HASH]: hash },
      ...(leaving === true ? { deletionTimestamp: at } : {}),
    },
    spec: { nodeName },
    status: { phase, conditions: [condition] },
  } as unknown as Pod;
}

function plan(nodes: readonly Node[], owned: readonly Pod[], set = daemonSet()) {
  const { create, remove } = planDaemonSet({ set, nodes, owned, hash: "new", nowMs: NOW_MS });
  return { create, remove: remove.map(({ metadata }) => metadata.name) };
}

const taint = (key: string, effect: Taint["effect"]): Taint => ({ key, effect });

const affinityTo = (name: string) => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          { matchFields: [{ key: "metadata.name", operator: "In", values: [name] }] },
        ],
      },
    },
  },
});

const RUNS = [
  ["an open node", node("a"), {}, true],
  [
    "a cordoned one",
    node("a", {}, [taint("node.kubernetes.io/unschedulable", "NoSchedule")]),
    {},
    true,
  ],
  [
    "one that is lost",
    node("a", {}, [taint("node.kubernetes.io/unreachable", "NoExecute")]),
    {},
    true,
  ],
  ["not one with a taint of its own", node("a", {}, [taint("gpu", "NoSchedule")]), {}, false],
  [
    "one with a taint that is only a wish",
    node("a", {}, [taint("gpu", "PreferNoSchedule")]),
    {},
    true,
  ],
  [
    "not one without its network",
    node("a", {}, [taint("node.kubernetes.io/network-unavailable", "NoSchedule")]),
    {},
    false,
  ],
  [
    "one without network for pods that need none",
    node("a", {}, [taint("node.kubernetes.io/network-unavailable", "NoSchedule")]),
    { hostNetwork: true },
    true,
  ],
  ["one with the label", node("a", { disk: "ssd" }), { nodeSelector: { disk: "ssd" } }, true],
  ["not one without", node("a"), { nodeSelector: { disk: "ssd" } }, false],
  ["one that its affinity names", node("a"), affinityTo("a"), true],
  ["not one that its affinity does not name", node("b"), affinityTo("a"), false],
  ["the named one only", node("b"), { nodeName: "a" }, false],
] as const;

for (const [name, on, spec, expected] of RUNS) {
  test(`shouldRun() chooses ${name}`, () => {
    assert.equal(shouldRun(daemonSet({ spec }), on), expected);
  });
}

test("planDaemonSet() fills nodes that have no pod, and waits for one that is going", () => {
  const owned = [pod("a"), pod("b", { leaving: true })];
  assert.deepEqual(plan([node("a"), node("b"), node("c")], owned), { create: ["c"], remove: [] });
});

test("planDaemonSet() ends pods on nodes that it no longer chooses, and keeps them where only new ones are kept off", () => {
  const set = daemonSet({ spec: { nodeSelector: { disk: "ssd" } } });
  const chosen = node("c", { disk: "ssd" }, [taint("gpu", "NoSchedule")]);
  const { create, remove } = plan([node("a"), chosen], [pod("a"), pod("c"), pod("vanished")], set);
  assert.deepEqual(create, []);
  assert.deepEqual(
    remove.map((each) => each.split("-")[0]),
    ["a", "vanished"],
  );
});

test("planDaemonSet() ends a pod that failed, and the younger of two", () => {
  const owned = [
    pod("a", { phase: "Failed" }),
    pod("b", { at: "2026-01-01T00:00:01Z" }),
    pod("b", { at: "2026-01-01T00:00:00Z" }),
  ];
  const { remove } = plan([node("a"), node("b")], owned);
  assert.deepEqual(remove, [owned[0]?.metadata.name, owned[1]?.metadata.name]);
});

test("planDaemonSet() leaves old pods alone with OnDelete", () => {
  const set = { ...daemonSet() };
  const onDelete = {
    ...set,
    spec: { ...set.spec, updateStrategy: { type: "OnDelete" } },
  } as DaemonSet;
  assert.deepEqual(plan([node("a")], [pod("a", { hash: "old" })], onDelete), {
    create: [],
    remove: [],
  });
});

test("planDaemonSet() replaces pods that do not serve without counting them", () => {
  const nodes = ["a", "b", "c"].map((name) => node(name));
  const owned = [
    pod("a", { hash: "old" }),
    pod("b", { hash: "old", ready: false }),
    pod("c", { hash: "old" }),
  ];
  const { remove } = plan(nodes, owned);
  assert.deepEqual(
    remove.map((each) => each.split("-")[0]),
    ["b"],
  );
});

/** One round of what happens after a plan: what was ended goes, what is new becomes ready. */
function act(
  owned: readonly Pod[],
  { create, remove }: ReturnType<typeof planDaemonSet>,
): readonly Pod[] {
  const left = owned.filter((each) => !remove.includes(each));
  return [
    ...left.map((each) =>
      (each.status.conditions?.[0]?.status ?? "") === "True" ? each : pod(nodeOf(each)),
    ),
    ...create.map((name) => pod(name, { ready: false })),
  ];
}

test("planDaemonSet() rolls out on any number of nodes within its limits", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 0, max: 4 }),
      fc.integer({ min: 1, max: 4 }),
      (count, maxSurge, unavailable) => {
        const maxUnavailable = maxSurge > 0 ? 0 : unavailable;
        const set = daemonSet({ strategy: { maxSurge, maxUnavailable } });
        const nodes = Array.from({ length: count }, (_, at) => node(`n${at}`));
        let owned: readonly Pod[] = nodes.map(({ metadata }) =>
          pod(metadata.name, { hash: "old" }),
        );
        for (let round = 0; round < 4 * count + 4; round++) {
          owned = act(owned, planDaemonSet({ set, nodes, owned, hash: "new", nowMs: NOW_MS }));
          const serving = new Set(
            owned.filter((each) => each.status.conditions?.[0]?.status === "True").map(nodeOf),
          );
          assert.ok(serving.size >= count - maxUnavailable, `${serving.size} of ${count} serve`);
          assert.ok(owned.length <= count + maxSurge, `${owned.length} pods for ${count} nodes`);
        }
        assert.equal(owned.length, count);
        assert.ok(owned.every((each) => each.metadata.labels?.[REVISION_HASH] === "new"));
      },
    ),
  );
});
