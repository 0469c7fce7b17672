/** A Job and its pods as a store and two informers would show them, each a while behind, for tests of the plan. */
import { isDeepStrictEqual } from "node:util";
import type { Job, JobSpec, JobStatus } from "#proto/batch/v1";
import type { Pod } from "#proto/core/v1";
import { type FailureRecord, NO_FAILURES } from "./backoff.ts";
import { type JobPlan, planJob } from "./plan.ts";
import { podDraft } from "./pod-draft.ts";
import { TRACKING } from "./pod-fate.ts";

export const START_MS = Date.parse("2026-01-01T00:00:00Z");

export function jobOf(spec: object, status: JobStatus = {} as JobStatus): Job {
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "j", namespace: "default", uid: "j", creationTimestamp: at(START_MS) },
    spec: {
      parallelism: 1,
      backoffLimit: 6,
      completionMode: "NonIndexed",
      podReplacementPolicy: "TerminatingOrFailed",
      template: { metadata: {}, spec: { restartPolicy: "Never", containers: [{ name: "c" }] } },
      ...spec,
    } as unknown as JobSpec,
    status,
  } as unknown as Job;
}

export function at(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}

/** What a node, or a user, can do to a pod. */
export type Fate = "delete" | "fail" | "run" | "succeed";

/** How far a pass of the controller gets before it dies. */
export type Reach = "all" | "half the releases" | "status";

export class World {
  nowMs = START_MS;
  job: Job;
  pods: readonly Pod[] = [];
  /** Every pod that was ever there, as it was last. */
  readonly all = new Map<string, Pod>();
  /** Uids that were taken back, and so do not count. */
  readonly takenBack = new Set<string>();
  lastPlan: JobPlan | undefined;
  #seenJob: Job;
  #seenPods: readonly Pod[] = [];
  #failures: FailureRecord = NO_FAILURES;
  #names = 0;
  /** The pods' informer has shown what we last made and deleted. */
  #isSettled = true;

  constructor(job: Job) {
    this.job = job;
    this.#seenJob = job;
  }

  seeJob(): void {
    this.#seenJob = this.job;
  }

  seePods(): void {
    this.#seenPods = this.pods;
    this.#isSettled = true;
  }

  /** A new process has no memory, but everything before it. */
  restart(): void {
    this.#failures = NO_FAILURES;
    this.seePods();
    this.seeJob();
  }

  /** One pass over what is seen. */
  reconcile(reach: Reach = "all"): void {
    const plan = planJob({
      job: this.#seenJob,
      pods: this.#seenPods,
      failures: this.#failures,
      isSettled: this.#isSettled,
      nowMs: this.nowMs,
    });
    this.lastPlan = plan;
    if (!isDeepStrictEqual(plan.status, this.#seenJob.status)) {
      // Another version is there: the API server refuses.
      if (this.#seenJob !== this.job) return;
      this.job = { ...this.job, status: plan.status };
    }
    this.#failures = plan.failures;
    if (reach === "status") return;
    const half = reach === "half the releases";
    for (const pod of half ? plan.release.slice(0, plan.release.length / 2) : plan.release)
      this.#untrack(pod);
    if (half) return;
    for (const pod of plan.takeBack) this.#takeBack(pod);
    for (const pod of plan.end) this.#delete(pod.metadata.uid);
    for (const start of plan.create) this.#create(start);
    if (plan.takeBack.length + plan.end.length + plan.create.length > 0) this.#isSettled = false;
  }

  act(pod: Pod, fate: Fate): void {
    if (fate === "delete") {
      this.#delete(pod.metadata.uid);
      return;
    }
    const phase = { fail: "Failed", run: "Running", succeed: "Succeeded" }[fate];
    this.#change(pod.metadata.uid, (now) =>
      isOver(now) ? now : ({ ...now, status: { ...now.status, phase } } as Pod),
    );
  }

  /** Time and passes until nothing changes any more. */
  settle(): void {
    for (let quiet = 0, pass = 0; quiet < 3 && pass < 200; pass++) {
      const before = JSON.stringify([this.job, this.pods]);
      this.seeJob();
      this.seePods();
      this.reconcile();
      quiet = JSON.stringify([this.job, this.pods]) === before ? quiet + 1 : 0;
    }
  }

  condition(type: string): string | undefined {
    const found = this.job.status.conditions?.find((each) => each.type === type);
    return found?.status === "True" ? found.reason : undefined;
  }

  #create(start: Parameters<typeof podDraft>[1]): void {
    const uid = `p${this.#names++}`;
    const draft = podDraft(this.job, start) as unknown as Pod;
    const metadata = { ...draft.metadata, uid, name: uid, resourceVersion: "0" };
    const pod = {
      ...draft,
      metadata: { ...metadata, creationTimestamp: at(this.nowMs) },
      spec: { ...draft.spec, nodeName: "n" },
      status: { phase: "Pending" },
    } as unknown as Pod;
    this.pods = [...this.pods, pod];
    this.all.set(uid, pod);
  }

  #takeBack(pod: Pod): void {
    const now = this.pods.find((each) => each.metadata.uid === pod.metadata.uid);
    // It has changed since: a Conflict.
    if (now?.metadata.resourceVersion !== pod.metadata.resourceVersion) return;
    this.takenBack.add(pod.metadata.uid);
    this.#untrack(pod);
    this.#delete(pod.metadata.uid);
  }

  #untrack({ metadata }: Pod): void {
    this.#change(metadata.uid, (pod) => {
      const finalizers = (pod.metadata.finalizers ?? []).filter((each) => each !== TRACKING);
      return { ...pod, metadata: { ...pod.metadata, finalizers } };
    });
  }

  #delete(uid: string): void {
    this.#change(uid, (pod) => {
      const deletionTimestamp = pod.metadata.deletionTimestamp ?? at(this.nowMs);
      return { ...pod, metadata: { ...pod.metadata, deletionTimestamp } };
    });
  }

  #change(uid: string, of: (pod: Pod) => Pod): void {
    this.pods = this.pods.flatMap((pod) => {
      if (pod.metadata.uid !== uid) return [pod];
      const next = of(pod);
      if (next === pod) return [pod];
      const resourceVersion = String(Number(pod.metadata.resourceVersion) + 1);
      const changed = { ...next, metadata: { ...next.metadata, resourceVersion } };
      this.all.set(uid, changed);
      const isGone =
        changed.metadata.deletionTimestamp !== undefined &&
        (changed.metadata.finalizers ?? []).length === 0;
      return isGone ? [] : [changed];
    });
  }
}

export function isOver({ status }: Pod): boolean {
  return status.phase === "Succeeded" || status.phase === "Failed";
}
