import assert from "node:assert/strict";
import { test } from "node:test";
import { isActive } from "#lib/api/pod";
import type { Pod } from "#proto/core/v1";
import { COMPLETION_INDEX } from "./pod-fate.ts";
import { at, jobOf, START_MS, World } from "./testing.ts";

function world(spec: object): World {
  const made = new World(jobOf(spec));
  made.settle();
  return made;
}

const active = (of: World): readonly Pod[] => of.pods.filter(isActive);
const indexes = (of: World): readonly string[] =>
  active(of).map(({ metadata }) => metadata.annotations?.[COMPLETION_INDEX] ?? "none");

/** The oldest active pod, or that of an index, comes to its end. */
function end(of: World, fate: "fail" | "succeed", index?: number): Pod {
  const pod = active(of).find(
    ({ metadata }) =>
      index === undefined || metadata.annotations?.[COMPLETION_INDEX] === String(index),
  );
  assert.ok(pod, `a pod to ${fate}`);
  of.act(pod, fate);
  of.settle();
  return pod;
}

/** The pod fails with an exit code, or with a condition. */
function failWith(
  of: World,
  how: { readonly exitCode?: number; readonly condition?: string },
): void {
  const [pod] = active(of);
  const terminated = { exitCode: how.exitCode ?? 1, finishedAt: at(of.nowMs) };
  const status = {
    phase: "Failed",
    containerStatuses: [{ name: "c", state: { terminated } }],
    conditions: how.condition === undefined ? [] : [{ type: how.condition, status: "True" }],
  };
  of.pods = of.pods.map((each) => (each === pod ? ({ ...each, status } as unknown as Pod) : each));
  of.settle();
}

test("a Job runs as many pods as it may, and no more than are needed", () => {
  const of = world({ parallelism: 3, completions: 4 });
  assert.equal(active(of).length, 3);
  end(of, "succeed");
  assert.equal(active(of).length, 3);
  end(of, "succeed");
  assert.equal(active(of).length, 2);
  end(of, "succeed");
  end(of, "succeed");
  assert.equal(of.condition("SuccessCriteriaMet"), "CompletionsReached");
  assert.equal(of.condition("Complete"), "CompletionsReached");
  assert.equal(of.job.status.completionTime, at(START_MS));
  assert.equal(of.job.status.succeeded, 4);
});

test("without completions the first success stops new pods, and the last end completes", () => {
  const of = world({ parallelism: 2 });
  end(of, "succeed");
  assert.equal(active(of).length, 1);
  assert.equal(of.condition("Complete"), undefined);
  end(of, "fail");
  assert.equal(of.condition("Complete"), "CompletionsReached");
});

test("failed pods are replaced after 10 s, doubling to 10 min, and a success starts anew", () => {
  const of = world({ completions: 3, backoffLimit: 100 });
  for (const seconds of [10, 20, 40, 80, 160, 320, 600, 600]) {
    end(of, "fail");
    assert.equal(active(of).length, 0);
    assert.equal(of.lastPlan?.dueMs, seconds * 1000);
    of.nowMs += seconds * 1000;
    of.settle();
    assert.equal(active(of).length, 1);
  }
  end(of, "succeed");
  assert.equal(active(of).length, 1);
  end(of, "fail");
  assert.equal(of.lastPlan?.dueMs, 10_000);
});

test("activeDeadlineSeconds ends the Job and its pods", () => {
  const of = world({ completions: 2, parallelism: 2, activeDeadlineSeconds: 30 });
  assert.equal(of.lastPlan?.dueMs, 30_000);
  of.nowMs += 30_000;
  of.settle();
  assert.equal(of.condition("Failed"), "DeadlineExceeded");
  assert.equal(active(of).length, 0);
  assert.equal(of.job.status.failed, 2);
});

test("restarts in place count against backoffLimit", () => {
  const template = {
    metadata: {},
    spec: { restartPolicy: "OnFailure", containers: [{ name: "c" }] },
  };
  const of = world({ completions: 1, backoffLimit: 2, template });
  const restarted = (count: number) => {
    of.pods = of.pods.map(
      (pod) =>
        ({
          ...pod,
          status: { phase: "Running", containerStatuses: [{ name: "c", restartCount: count }] },
        }) as unknown as Pod,
    );
    of.settle();
  };
  restarted(1);
  assert.equal(of.condition("FailureTarget"), undefined);
  restarted(2);
  assert.equal(of.condition("FailureTarget"), "BackoffLimitExceeded");
});

test("an Indexed Job gives each index a pod, with its name and variable, and counts indexes once", () => {
  const of = world({ completionMode: "Indexed", completions: 3, parallelism: 2 });
  assert.deepEqual(indexes(of), ["0", "1"]);
  const [first] = active(of);
  assert.equal(first?.spec.hostname, "j-0");
  assert.equal(first?.metadata.labels?.[COMPLETION_INDEX], "0");
  assert.equal(first?.spec.containers[0]?.env?.[0]?.name, "JOB_COMPLETION_INDEX");
  end(of, "succeed", 1);
  assert.deepEqual(indexes(of), ["0", "2"]);
  assert.equal(of.job.status.completedIndexes, "1");
  end(of, "fail", 0);
  of.nowMs += 10_000;
  of.settle();
  assert.deepEqual(indexes(of).toSorted(), ["0", "2"]);
  end(of, "succeed", 0);
  end(of, "succeed", 2);
  assert.equal(of.job.status.completedIndexes, "0-2");
  assert.equal(of.job.status.succeeded, 3);
  assert.equal(of.job.status.failed, 1);
  assert.equal(of.condition("Complete"), "CompletionsReached");
});

const PER_INDEX = {
  completionMode: "Indexed",
  completions: 3,
  parallelism: 3,
  backoffLimit: 2 ** 31 - 1,
};

test("backoffLimitPerIndex gives up one index and goes on with the others", () => {
  const of = world({ ...PER_INDEX, backoffLimitPerIndex: 1 });
  end(of, "fail", 1);
  assert.deepEqual(indexes(of), ["0", "2"], "waits for its back-off");
  of.nowMs += 10_000;
  of.settle();
  const again = active(of).find(({ metadata }) => metadata.annotations?.[COMPLETION_INDEX] === "1");
  assert.equal(again?.metadata.annotations?.["batch.kubernetes.io/job-index-failure-count"], "1");
  end(of, "fail", 1);
  assert.equal(of.job.status.failedIndexes, "1");
  assert.equal(of.condition("FailureTarget"), undefined);
  end(of, "succeed", 0);
  end(of, "succeed", 2);
  assert.equal(of.condition("Failed"), "FailedIndexes");
  assert.equal(of.job.status.failed, 2);
  assert.equal(of.job.status.completedIndexes, "0,2");
});

test("maxFailedIndexes ends the Job at once", () => {
  const of = world({ ...PER_INDEX, backoffLimitPerIndex: 0, maxFailedIndexes: 0 });
  end(of, "fail", 2);
  assert.equal(of.condition("Failed"), "MaxFailedIndexesExceeded");
  assert.equal(of.job.status.failed, 3);
});

const onExit = (action: string, ...values: number[]) => ({
  action,
  onExitCodes: { operator: "In", values },
});

test("podFailurePolicy: Ignore does not count, FailJob ends at once and says why", () => {
  const rules = [
    { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
    onExit("FailJob", 42),
    onExit("Count", 3),
  ];
  const policy = { podFailurePolicy: { rules }, podReplacementPolicy: "Failed" };
  const of = world({ completions: 1, backoffLimit: 1, ...policy });
  failWith(of, { condition: "DisruptionTarget" });
  of.nowMs += 10_000;
  of.settle();
  failWith(of, { exitCode: 3 });
  assert.equal(of.job.status.failed, 1);
  of.nowMs += 20_000;
  of.settle();
  failWith(of, { exitCode: 42 });
  assert.equal(of.condition("Failed"), "PodFailurePolicy");
  const { message } = of.job.status.conditions?.find(({ type }) => type === "Failed") ?? {};
  assert.equal(
    message,
    "Container c for pod default/p2 failed with exit code 42 matching FailJob rule at index 1",
  );
});

test("podFailurePolicy: FailIndex gives the index up", () => {
  const podFailurePolicy = { rules: [onExit("FailIndex", 7)] };
  const of = world({
    ...PER_INDEX,
    backoffLimitPerIndex: 5,
    podFailurePolicy,
    podReplacementPolicy: "Failed",
  });
  failWith(of, { exitCode: 7 });
  assert.equal(of.job.status.failedIndexes, "0");
});

const SUCCESS_RULES = [
  ["a count", { succeededCount: 2 }, [0, 2]],
  ["all of some indexes", { succeededIndexes: "0,2" }, [2, 0]],
  ["a count of some indexes", { succeededIndexes: "1-2", succeededCount: 1 }, [0, 2]],
] as const;

for (const [name, rule, order] of SUCCESS_RULES) {
  test(`successPolicy is met by ${name}`, () => {
    const of = world({ ...PER_INDEX, successPolicy: { rules: [rule] } });
    end(of, "succeed", order[0]);
    assert.equal(of.condition("SuccessCriteriaMet"), undefined);
    end(of, "succeed", order[1]);
    assert.equal(of.condition("Complete"), "SuccessPolicy");
    assert.equal(active(of).length, 0);
  });
}

test("suspending takes pods back without counting them; resuming starts the time anew", () => {
  const of = world({ completions: 2, parallelism: 2, activeDeadlineSeconds: 100 });
  const set = (suspend: boolean) => {
    of.job = { ...of.job, spec: { ...of.job.spec, suspend } };
    of.settle();
  };
  set(true);
  assert.equal(of.pods.length, 0);
  assert.equal(of.condition("Suspended"), "JobSuspended");
  assert.equal(of.job.status.failed, undefined);
  of.nowMs += 500_000;
  of.settle();
  assert.equal(of.condition("Failed"), undefined, "suspended time is no active time");
  set(false);
  assert.equal(active(of).length, 2);
  assert.equal(of.job.status.startTime, at(START_MS + 500_000));
  const suspended = of.job.status.conditions?.find(({ type }) => type === "Suspended");
  assert.equal(suspended?.reason, "JobResumed");
});

test("a Job that is made suspended has not started", () => {
  const of = world({ completions: 1, suspend: true });
  assert.equal(of.job.status.startTime, undefined);
  assert.equal(of.pods.length, 0);
});

test("podReplacementPolicy Failed waits until a deleted pod has ended", () => {
  const of = world({ completions: 1, podReplacementPolicy: "Failed" });
  const [pod] = active(of) as [Pod];
  of.act(pod, "delete");
  of.settle();
  assert.equal(of.job.status.terminating, 1);
  assert.equal(of.pods.length, 1);
  of.act(pod, "fail");
  of.nowMs += 10_000;
  of.settle();
  assert.equal(active(of).length, 1);
  assert.equal(of.job.status.failed, 1);
});

test("a deleted pod that counts as failed does not count again when it succeeds after all", () => {
  const of = world({ completionMode: "Indexed", completions: 1 });
  const [pod] = active(of) as [Pod];
  of.act(pod, "delete");
  of.seePods();
  of.seeJob();
  of.reconcile("status");
  of.act(pod, "succeed");
  of.settle();
  const { completedIndexes, failed, succeeded } = of.job.status;
  assert.deepEqual([failed, succeeded, completedIndexes], [1, undefined, undefined]);
});
