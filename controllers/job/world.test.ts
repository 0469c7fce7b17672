/** Whatever becomes of the pods, and however far the controller gets each time: each pod counts once, and the Job ends right. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isActive } from "#lib/api/pod";
import type { Pod } from "#proto/core/v1";
import { hasFailed, indexOf } from "./pod-fate.ts";
import { type Fate, isOver, jobOf, type Reach, World } from "./testing.ts";

type Step =
  | { readonly do: "act"; readonly pod: number; readonly fate: Fate }
  | { readonly do: "pass"; readonly reach: Reach; readonly job: boolean; readonly pods: boolean }
  | { readonly do: "restart" | "suspend" }
  | { readonly do: "wait"; readonly ms: number };

const REACH: readonly Reach[] = ["all", "all", "half the releases", "status"];

const act = fc.record({
  do: fc.constant("act" as const),
  pod: fc.nat(9),
  fate: fc.constantFrom<Fate>("fail", "succeed", "succeed", "run", "delete"),
});
/** A pass of the controller; the flags say which informer has caught up before it. */
const pass = fc.record({
  do: fc.constant("pass" as const),
  reach: fc.constantFrom<Reach>(...REACH),
  job: fc.integer({ min: 0, max: 3 }).map((each) => each > 0),
  pods: fc.boolean(),
});
const wait = fc.record({
  do: fc.constant("wait" as const),
  ms: fc.integer({ min: 0, max: 700_000 }),
});
const rare = fc.record({ do: fc.constantFrom("restart" as const, "suspend" as const) });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: act },
  { weight: 8, arbitrary: pass },
  { weight: 2, arbitrary: wait },
  { weight: 1, arbitrary: rare },
);

const spec = fc.record({
  parallelism: fc.integer({ min: 1, max: 4 }),
  completions: fc.integer({ min: 1, max: 6 }),
  backoffLimit: fc.integer({ min: 0, max: 8 }),
  completionMode: fc.constantFrom("Indexed", "NonIndexed"),
  podReplacementPolicy: fc.constantFrom("Failed", "TerminatingOrFailed"),
  perIndex: fc.boolean(),
});

function make({ perIndex, ...given }: { perIndex: boolean; completionMode: string }): World {
  const isPerIndex = perIndex && given.completionMode === "Indexed";
  return new World(
    jobOf({ ...given, ...(isPerIndex ? { backoffLimit: 1000, backoffLimitPerIndex: 1 } : {}) }),
  );
}

function take(world: World, each: Step): void {
  switch (each.do) {
    case "act": {
      const pod = world.pods[each.pod % Math.max(1, world.pods.length)];
      if (pod !== undefined) world.act(pod, each.fate);
      return;
    }
    case "pass":
      if (each.job) world.seeJob();
      if (each.pods) world.seePods();
      world.reconcile(each.reach);
      return;
    case "wait":
      world.nowMs += each.ms;
      return;
    case "suspend": {
      const { suspend } = world.job.spec;
      world.job = { ...world.job, spec: { ...world.job.spec, suspend: suspend !== true } };
      return;
    }
    default:
      world[each.do]();
  }
}

/** Lets the rest of the pods run to the given end, in turn, until the Job is over. */
function finish(world: World, fate: "fail" | "succeed"): void {
  world.job = { ...world.job, spec: { ...world.job.spec, suspend: false } };
  for (let round = 0; round < 60 && !isFinished(world); round++) {
    world.settle();
    for (const pod of world.pods) if (!isOver(pod)) world.act(pod, fate);
    world.nowMs += 601_000;
  }
}

const isFinished = (world: World): boolean =>
  world.condition("Complete") !== undefined || world.condition("Failed") !== undefined;

/** What the store knows, against what the status says. */
function checkCounts(world: World): void {
  const { job } = world;
  const { failed = 0, succeeded = 0, uncountedTerminatedPods: uncounted } = job.status;
  assert.deepEqual(uncounted, {}, "nothing is left uncounted");
  const counted = [...world.all.values()].filter(
    ({ metadata }) => !world.takenBack.has(metadata.uid),
  );
  const ended = counted.filter((pod) => isOver(pod) || hasFailed(pod, job));
  assert.equal(ended.length, counted.length, "every pod that counts has ended");
  if (job.spec.completionMode === "NonIndexed") {
    assert.equal(succeeded + failed, counted.length, "each pod counts once");
    return;
  }
  const won = new Set(ended.filter(isSuccess).map((pod) => indexOf(pod, job)));
  assert.ok(succeeded <= won.size, "an index counts once");
  assert.ok(failed <= ended.length - succeeded, "a pod fails once");
}

const isSuccess = (pod: Pod): boolean => pod.status.phase === "Succeeded";

test("a Job counts each pod once and ends right, whatever happens to its pods and controller", () => {
  fc.assert(
    fc.property(
      spec,
      fc.array(step, { maxLength: 60 }),
      fc.constantFrom("fail" as const, "succeed" as const),
      (given, steps, fate) => {
        const world = make(given);
        for (const each of steps) {
          take(world, each);
          const { parallelism = 1 } = world.job.spec;
          assert.ok(world.pods.filter(isActive).length <= parallelism, "no more run than may");
        }
        finish(world, fate);
        assert.ok(isFinished(world), `it ends: ${JSON.stringify(world.job.status)}`);
        checkCounts(world);
        const { failed = 0, succeeded = 0 } = world.job.status;
        if (world.condition("Complete") !== undefined) {
          assert.ok(
            succeeded >= given.completions,
            `${succeeded} of ${given.completions} succeeded`,
          );
        } else if (world.condition("Failed") === "BackoffLimitExceeded") {
          assert.ok(failed > given.backoffLimit, `${failed} failed, ${given.backoffLimit} may`);
        } else {
          assert.equal(world.condition("Failed"), "FailedIndexes");
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("a Job is not over while a pod of it is still ending", () => {
  const world = new World(
    jobOf({ parallelism: 2, completions: 2, backoffLimit: 0, podReplacementPolicy: "Failed" }),
  );
  world.settle();
  const [first, second] = world.pods as [Pod, Pod];
  world.act(first, "fail");
  world.settle();
  assert.equal(world.condition("FailureTarget"), "BackoffLimitExceeded");
  assert.equal(world.condition("Failed"), undefined);
  assert.equal(world.job.status.terminating, 1);
  world.act(second, "fail");
  world.settle();
  assert.equal(world.condition("Failed"), "BackoffLimitExceeded");
  assert.equal(world.job.status.failed, 2);
});
