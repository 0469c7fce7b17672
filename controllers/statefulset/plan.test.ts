import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { StatefulSet } from "#proto/apps/v1";
import type { Pod } from "#proto/core/v1";
import { ordinalOf } from "./identity.ts";
import { planStatefulSet } from "./plan.ts";
import { podDraft } from "./pod-draft.ts";
import { statefulSetStatus } from "./status.ts";

const NOW_MS = Date.parse("2026-01-01T01:00:00Z");
const LONG_AGO = "2026-01-01T00:00:00Z";

interface SetOptions {
  readonly replicas?: number;
  readonly start?: number;
  readonly parallel?: boolean;
  readonly strategy?: object;
  readonly minReadySeconds?: number;
}

function stateful(options: SetOptions = {}): StatefulSet {
  const { minReadySeconds, parallel, replicas = 3, start, strategy } = options;
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "s", namespace: "default", uid: "s", generation: 1 },
    spec: {
      replicas,
      serviceName: "peers",
      podManagementPolicy: parallel === true ? "Parallel" : "OrderedReady",
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 }, ...strategy },
      template: { metadata: { labels: { app: "s" } }, spec: { containers: [{ name: "c" }] } },
      ...(start === undefined ? {} : { ordinals: { start } }),
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
    },
    status: {},
  } as unknown as StatefulSet;
}

type State = "ended" | "going" | "ready" | "unready";

function pod(ordinal: number, state: State = "ready", revision = "new"): Pod {
  const isReady = state === "ready";
  return {
    metadata: {
      name: `s-${ordinal}`,
      uid: `s-${ordinal}`,
      labels: { "controller-revision-hash": revision },
      ...(state === "going" ? { deletionTimestamp: LONG_AGO } : {}),
    },
    spec: {},
    status: {
      phase: state === "ended" ? "Failed" : "Running",
      conditions: [
        { type: "Ready", status: isReady ? "True" : "False", lastTransitionTime: LONG_AGO },
      ],
    },
  } as unknown as Pod;
}

interface Case {
  readonly name: string;
  readonly set?: SetOptions;
  readonly have: readonly Pod[];
  readonly create?: readonly number[];
  readonly remove?: readonly number[];
}

const CASES: readonly Case[] = [
  { name: "starts with the lowest", have: [], create: [0] },
  { name: "starts at ordinals.start", set: { start: 5 }, have: [], create: [5] },
  { name: "goes on with the next when the last is ready", have: [pod(0)], create: [1] },
  { name: "waits for one that is not ready", have: [pod(0), pod(1, "unready")] },
  { name: "waits for one that is going", have: [pod(0, "going"), pod(1)] },
  { name: "fills a gap first", have: [pod(0), pod(2)], create: [1] },
  {
    name: "ends one that has failed, to replace it",
    have: [pod(0), pod(1, "ended"), pod(2)],
    remove: [1],
  },
  { name: "is at rest when all are well", have: [pod(0), pod(1), pod(2)] },
  {
    name: "takes the highest first",
    set: { replicas: 1 },
    have: [pod(0), pod(1), pod(2)],
    remove: [2],
  },
  { name: "takes one at a time", set: { replicas: 1 }, have: [pod(0), pod(1), pod(2, "going")] },
  {
    name: "takes nothing while a wanted one is sick",
    set: { replicas: 1 },
    have: [pod(0, "unready"), pod(1)],
  },
  {
    name: "halts on the way down at a sick one",
    set: { replicas: 1 },
    have: [pod(0), pod(1, "unready"), pod(2, "unready")],
  },
  {
    name: "takes a sick one that is the only one",
    set: { replicas: 2 },
    have: [pod(0), pod(1), pod(2, "unready")],
    remove: [2],
  },
  {
    name: "moves its window when ordinals.start grows",
    set: { replicas: 1, start: 1 },
    have: [pod(0), pod(1)],
    remove: [0],
  },
  {
    name: "updates from the highest",
    have: [pod(0, "ready", "old"), pod(1, "ready", "old"), pod(2, "ready", "old")],
    remove: [2],
  },
  {
    name: "waits for the updated one",
    have: [pod(0, "ready", "old"), pod(1, "ready", "old"), pod(2, "unready")],
  },
  {
    name: "leaves those below the partition",
    set: { strategy: { rollingUpdate: { partition: 2 } } },
    have: [pod(0, "ready", "old"), pod(1, "ready", "old"), pod(2)],
  },
  {
    name: "counts the partition from ordinals.start",
    set: { start: 3, strategy: { rollingUpdate: { partition: 2 } } },
    have: [pod(3, "ready", "old"), pod(4, "ready", "old"), pod(5, "ready", "old")],
    remove: [5],
  },
  {
    name: "updates as many as maxUnavailable says",
    set: { strategy: { rollingUpdate: { maxUnavailable: "70%" } } },
    have: [pod(0, "ready", "old"), pod(1, "ready", "old"), pod(2, "ready", "old")],
    remove: [2, 1],
  },
  {
    name: "updates nothing with OnDelete",
    set: { strategy: { type: "OnDelete", rollingUpdate: undefined } },
    have: [pod(0, "ready", "old"), pod(1), pod(2)],
  },
  {
    name: "starts all at once in parallel",
    set: { parallel: true },
    have: [pod(1, "unready")],
    create: [0, 2],
  },
  {
    name: "takes all at once in parallel",
    set: { parallel: true, replicas: 1 },
    have: [pod(0, "unready"), pod(1), pod(2), pod(3, "going")],
    remove: [2, 1],
  },
  {
    name: "replaces useless old ones in parallel, and none that serves meanwhile",
    set: { parallel: true },
    have: [pod(0, "ready", "old"), pod(1, "unready", "old"), pod(2, "ready", "old")],
    remove: [1],
  },
];

for (const { create = [], have, name, remove = [], set } of CASES) {
  test(`planStatefulSet() ${name}`, () => {
    const given = stateful(set);
    const plan = planStatefulSet({ set: given, pods: have, update: "new", nowMs: NOW_MS });
    assert.deepEqual(
      { create: plan.create, remove: plan.remove.map((each) => ordinalOf(given, each)) },
      { create, remove },
    );
  });
}

test("minReadySeconds holds the next pod back", () => {
  const set = stateful({ minReadySeconds: 7200 });
  assert.deepEqual(
    planStatefulSet({ set, pods: [pod(0)], update: "new", nowMs: NOW_MS }).create,
    [],
  );
  const later = NOW_MS + 3_600_000;
  assert.deepEqual(
    planStatefulSet({ set, pods: [pod(0)], update: "new", nowMs: later }).create,
    [1],
  );
});

test("podDraft() names the pod for its ordinal", () => {
  const template = stateful().spec.template;
  const { metadata, spec } = podDraft(stateful(), 4, { template, revision: "s-abc" });
  assert.equal(metadata?.name, "s-4");
  assert.deepEqual(metadata?.labels, {
    app: "s",
    "statefulset.kubernetes.io/pod-name": "s-4",
    "apps.kubernetes.io/pod-index": "4",
    "controller-revision-hash": "s-abc",
  });
  assert.deepEqual([spec?.hostname, spec?.subdomain], ["s-4", "peers"]);
});

test("ordinalOf() knows only the set's own names", () => {
  const named = (name: string) => ordinalOf(stateful(), { metadata: { name } } as unknown as Pod);
  assert.deepEqual(["s-0", "s-12", "s-01", "s-x", "t-0", "s-", "s-0-0"].map(named), [
    0,
    12,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test("the current revision becomes the new one only when every pod is", () => {
  const status = (pods: readonly Pod[]) => {
    const { currentReplicas, currentRevision, readyReplicas, updatedReplicas } = statefulSetStatus({
      set: stateful({ replicas: 2 }),
      pods,
      current: "old",
      update: "new",
      nowMs: NOW_MS,
    });
    return { currentRevision, currentReplicas, updatedReplicas, readyReplicas };
  };
  assert.deepEqual(status([pod(0, "ready", "old"), pod(1)]), {
    currentRevision: "old",
    currentReplicas: 1,
    updatedReplicas: 1,
    readyReplicas: 2,
  });
  assert.equal(status([pod(0, "unready"), pod(1)]).currentRevision, "old");
  assert.deepEqual(status([pod(0), pod(1)]), {
    currentRevision: "new",
    currentReplicas: 2,
    updatedReplicas: 2,
    readyReplicas: 2,
  });
});

/** A pass, and what becomes of the pods: which of them get on is given. */
function pass(
  set: StatefulSet,
  pods: readonly Pod[],
  getsOn: (pod: Pod) => boolean,
): readonly Pod[] {
  const plan = planStatefulSet({ set, pods, update: "new", nowMs: NOW_MS });
  const left = pods.map((each) =>
    plan.remove.includes(each) ? pod(ordinalOf(set, each) ?? -1, "going", revision(each)) : each,
  );
  const made = plan.create.map((ordinal) => pod(ordinal, "unready"));
  return [...left, ...made].flatMap((each) => {
    if (!getsOn(each)) return [each];
    if (each.metadata.deletionTimestamp !== undefined) return [];
    return [pod(ordinalOf(set, each) ?? -1, "ready", revision(each))];
  });
}

const revision = ({ metadata }: Pod): string => metadata.labels?.["controller-revision-hash"] ?? "";
const serves = (each: Pod): boolean =>
  each.metadata.deletionTimestamp === undefined && each.status.conditions?.[0]?.status === "True";

test("pods start in order, one an ordinal, and each only when all before it are ready", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.infiniteStream(fc.boolean()),
      (replicas, luck) => {
        const set = stateful({ replicas });
        let pods: readonly Pod[] = [];
        for (let round = 0; round < 200 && pods.filter(serves).length < replicas; round++) {
          const before = pods;
          pods = pass(set, pods, () => luck.next().value === true);
          const ordinals = pods.map((each) => ordinalOf(set, each) ?? -1);
          assert.equal(new Set(ordinals).size, ordinals.length, "one an ordinal");
          assert.ok(pods.length <= before.length + 1, "one at a time");
          if (pods.length > before.length) assert.ok(before.every(serves), "after those before it");
        }
        assert.equal(pods.filter(serves).length, replicas);
      },
    ),
  );
});

test("a rolling update never takes down more than maxUnavailable, goes from the top, and comes to its end", () => {
  const shape = fc.record({
    replicas: fc.integer({ min: 1, max: 7 }),
    maxUnavailable: fc.integer({ min: 1, max: 3 }),
    partition: fc.nat(3),
    parallel: fc.boolean(),
  });
  fc.assert(
    fc.property(
      shape,
      fc.infiniteStream(fc.boolean()),
      ({ maxUnavailable, parallel, partition, replicas }, luck) => {
        const set = stateful({
          replicas,
          parallel,
          strategy: { rollingUpdate: { maxUnavailable, partition } },
        });
        let pods: readonly Pod[] = Array.from({ length: replicas }, (_, at) =>
          pod(at, "ready", "old"),
        );
        const isDone = (): boolean =>
          pods.filter(serves).length === replicas &&
          pods.every(
            (each) => (revision(each) === "old") === (ordinalOf(set, each) ?? 0) < partition,
          );
        for (let round = 0; round < 400 && !isDone(); round++) {
          pods = pass(set, pods, () => luck.next().value === true);
          const down = replicas - pods.filter(serves).length;
          assert.ok(
            down <= maxUnavailable,
            `${down} of ${replicas} down, ${maxUnavailable} may be`,
          );
          const old = pods
            .filter((each) => revision(each) === "old")
            .map((each) => ordinalOf(set, each) ?? 0);
          const lowestNew = Math.min(
            ...pods
              .filter((each) => revision(each) === "new")
              .map((each) => ordinalOf(set, each) ?? 0),
          );
          assert.ok(
            old.filter((each) => each > lowestNew).length <= maxUnavailable,
            "from the top",
          );
        }
        assert.ok(isDone());
      },
    ),
  );
});
