import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Pod } from "#proto/core/v1";
import { BURST_REPLICAS_MAX, planReplicas } from "./plan.ts";

interface Sketch {
  readonly name: string;
  readonly node?: string;
  readonly phase?: string;
  readonly readySince?: string;
  readonly cost?: string;
  readonly restarts?: number;
  readonly created?: string;
  readonly deleting?: boolean;
}

function pod(sketch: Sketch): Pod {
  const {
    cost,
    created = "2026-01-01T00:00:00Z",
    deleting,
    name,
    node,
    phase = "Running",
    readySince,
    restarts = 0,
  } = sketch;
  return {
    metadata: {
      name,
      uid: name,
      creationTimestamp: created,
      ...(cost === undefined
        ? {}
        : { annotations: { "controller.kubernetes.io/pod-deletion-cost": cost } }),
      ...(deleting === true ? { deletionTimestamp: created } : {}),
    },
    spec: node === undefined ? {} : { nodeName: node },
    status: {
      phase,
      conditions:
        readySince === undefined
          ? []
          : [{ type: "Ready", status: "True", lastTransitionTime: readySince }],
      containerStatuses: [{ restartCount: restarts }],
    },
  } as unknown as Pod;
}

const OLD = "2026-01-01T00:00:00Z";
const NEW = "2026-01-02T00:00:00Z";

const CASES: readonly {
  readonly name: string;
  readonly replicas: number;
  readonly have: readonly Sketch[];
  readonly create?: number;
  readonly remove?: readonly string[];
}[] = [
  { name: "creates what is missing", replicas: 3, have: [{ name: "a", node: "n" }], create: 2 },
  {
    name: "counts neither failed nor leaving pods",
    replicas: 2,
    have: [
      { name: "f", phase: "Failed" },
      { name: "d", deleting: true },
    ],
    create: 2,
  },
  { name: "leaves a full set alone", replicas: 1, have: [{ name: "a", node: "n" }] },
  {
    name: "ends the unassigned first",
    replicas: 1,
    have: [
      { name: "on", node: "n", phase: "Pending" },
      { name: "off", phase: "Pending" },
    ],
    remove: ["off"],
  },
  {
    name: "ends the pending before the running",
    replicas: 1,
    have: [
      { name: "run", node: "n" },
      { name: "pend", node: "n", phase: "Pending" },
    ],
    remove: ["pend"],
  },
  {
    name: "ends the unready before the ready",
    replicas: 1,
    have: [
      { name: "ready", node: "n", readySince: OLD },
      { name: "not", node: "n" },
    ],
    remove: ["not"],
  },
  {
    name: "ends the cheap before the dear",
    replicas: 1,
    have: [
      { name: "dear", node: "n", readySince: NEW, cost: "5" },
      { name: "cheap", node: "n", readySince: OLD },
    ],
    remove: ["cheap"],
  },
  {
    name: "thins out the crowded node",
    replicas: 2,
    have: [
      { name: "a1", node: "a", readySince: OLD },
      { name: "a2", node: "a", readySince: NEW },
      { name: "b", node: "b", readySince: NEW },
    ],
    remove: ["a2"],
  },
  {
    name: "ends who has been ready for the shortest",
    replicas: 1,
    have: [
      { name: "old", node: "n", readySince: OLD },
      { name: "new", node: "n", readySince: NEW },
    ],
    remove: ["new"],
  },
  {
    name: "ends who restarted most",
    replicas: 1,
    have: [
      { name: "calm", node: "n", readySince: OLD },
      { name: "loop", node: "n", readySince: OLD, restarts: 9 },
    ],
    remove: ["loop"],
  },
  {
    name: "ends the youngest",
    replicas: 1,
    have: [
      { name: "young", node: "n", readySince: OLD, created: NEW },
      { name: "aged", node: "n", readySince: OLD },
    ],
    remove: ["young"],
  },
];

for (const { create = 0, have, name, remove = [], replicas } of CASES) {
  test(`planReplicas() ${name}`, () => {
    const plan = planReplicas(replicas, have.map(pod));
    assert.deepEqual(
      { create: plan.create, remove: plan.remove.map((each) => each.metadata.name) },
      { create, remove },
    );
  });
}

test("planReplicas() moves towards the wanted count, never past it, and no faster than it may", () => {
  const sketch = fc.record({
    name: fc.string(),
    phase: fc.constantFrom("Pending", "Running", "Failed", "Succeeded"),
    node: fc.constantFrom("a", "b"),
  });
  fc.assert(
    fc.property(fc.nat(1200), fc.array(sketch, { maxLength: 40 }), (wanted, sketches) => {
      const pods = sketches.map(pod);
      const before = pods.filter(
        (each) => each.status.phase === "Pending" || each.status.phase === "Running",
      ).length;
      const plan = planReplicas(wanted, pods);
      const after = before + plan.create - plan.remove.length;
      assert.equal(
        Math.abs(wanted - after),
        Math.max(0, Math.abs(wanted - before) - BURST_REPLICAS_MAX),
      );
    }),
  );
});
