import assert from "node:assert/strict";
import { test } from "node:test";
import { filterNodes } from "../cycle/filter.ts";
import { defaultProfile } from "../profile.ts";
import { podInfo } from "../snapshot/pod-info.ts";
import { Snapshot } from "../snapshot/snapshot.ts";
import { NO_VOLUMES, node, type PodSketch, pod } from "../testing/objects.ts";
import { type Budget, planPreemption } from "./plan.ts";

const PROFILE = defaultProfile(NO_VOLUMES);

interface Placed extends PodSketch {
  readonly name: string;
  readonly nodeName: string;
}

function plan(placed: readonly Placed[], wanting: PodSketch, budgets: readonly Budget[] = []) {
  const snapshot = new Snapshot();
  snapshot.setNode(node("a", { cpu: "4" }));
  snapshot.setNode(node("b", { cpu: "4" }));
  for (const each of placed) snapshot.addPod(podInfo(pod(each.name, each)), each.nodeName);
  const info = podInfo(pod("new", wanting));
  const requested = () => [...(snapshot.resources.requested("cpu") ?? [])];
  const before = requested();
  const filtered = filterNodes(PROFILE.filters, info, snapshot);
  const found = planPreemption(PROFILE.filters, info, snapshot, { filtered, budgets });
  assert.deepEqual(requested(), before, "trying leaves the snapshot as it was");
  return (
    found && {
      node: found.nodeName,
      victims: found.victims.map((each) => each.pod.metadata.name).toSorted(),
    }
  );
}

const FULL: readonly Placed[] = [
  { name: "a1", nodeName: "a", cpu: "2", priority: 5 },
  { name: "a2", nodeName: "a", cpu: "2", priority: 1 },
  { name: "b1", nodeName: "b", cpu: "4", priority: 3 },
];

test("planPreemption() ends the least important pod that makes enough room", () => {
  assert.deepEqual(plan(FULL, { cpu: "2", priority: 10 }), { node: "a", victims: ["a2"] });
});

test("planPreemption() ends nobody who is as important", () => {
  assert.equal(plan(FULL, { cpu: "2", priority: 1 }), undefined);
});

test("planPreemption() prefers the node whose most important victim matters least", () => {
  assert.deepEqual(plan(FULL, { cpu: "4", priority: 10 }), { node: "b", victims: ["b1"] });
});

test("planPreemption() spares what a disruption budget protects, if it can", () => {
  const budget: Budget = {
    disruptionsAllowed: 0,
    covers: (each) => each.pod.metadata.name === "a2",
  };
  assert.deepEqual(plan(FULL, { cpu: "2", priority: 10 }, [budget]), {
    node: "b",
    victims: ["b1"],
  });
});

test("planPreemption() does nothing for a pod that never preempts", () => {
  assert.equal(
    plan(FULL, { cpu: "2", priority: 10, spec: { preemptionPolicy: "Never" } }),
    undefined,
  );
});
