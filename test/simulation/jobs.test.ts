/** Jobs through the real API core and all controllers: to their end, deleted, left by their pods, and gone in time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isActive } from "#lib/api/pod";
import { StatusError } from "#lib/status-error";
import type { Job } from "#proto/batch/v1";
import type { Pod } from "#proto/core/v1";
import { events, jobs, namespaces, nodes, pods } from "#resources";
import { type ControlPlane, conditionOf, startControlPlane } from "./control-plane.ts";
import type { Faults } from "./unreliable.ts";

const namespace = "default";
const GOOD: Faults = { refused: 0, lost: 0, cut: 0, delayMs: 0 };
const BAD: Faults = { refused: 0.1, lost: 0.1, cut: 0.05, delayMs: 300 };
const WORK = { namespace, name: "work" };

async function create(plane: ControlPlane, image: string, spec: object = {}): Promise<void> {
  const template = { spec: { restartPolicy: "Never", containers: [{ name: "c", image }] } };
  await plane.client.create<Job>(jobs, { metadata: WORK, spec: { template, ...spec } } as never);
}

const work = (plane: ControlPlane): Promise<Job> => plane.client.get(jobs, WORK);

async function podsNow(plane: ControlPlane): Promise<readonly Pod[]> {
  return (await plane.client.list(pods, { namespace })).items;
}

async function is(plane: ControlPlane, type: string): Promise<boolean> {
  return conditionOf(await work(plane), type)?.status === "True";
}

async function isGone(plane: ControlPlane): Promise<boolean> {
  try {
    await work(plane);
    return false;
  } catch (error) {
    return StatusError.is(error, "NotFound");
  }
}

test("a Job completes, and its pods stay to be looked at, without its finalizer", async () => {
  await using plane = await startControlPlane();
  await create(plane, "ends", { completions: 5, parallelism: 2 });
  await plane.until("complete", () => is(plane, "Complete"));
  const { status } = await work(plane);
  assert.equal(status.succeeded, 5);
  assert.deepEqual(status.uncountedTerminatedPods, {});
  const all = await podsNow(plane);
  assert.equal(all.length, 5);
  assert.ok(all.every(({ metadata }) => (metadata.finalizers ?? []).length === 0));
  const said = (await plane.client.list(events, { namespace })).items;
  assert.ok(said.some(({ reason }) => reason === "Completed"));
  assert.deepEqual(plane.errors, []);
});

test("a Job that fails waits longer each time, then gives up", async () => {
  await using plane = await startControlPlane();
  await create(plane, "fails", { backoffLimit: 2 });
  const startMs = plane.clock.nowMs();
  await plane.until("failed", () => is(plane, "Failed"), 120_000);
  const took = plane.clock.nowMs() - startMs;
  assert.ok(took > 30_000 && took < 40_000, `10 s and 20 s between the three, ${took} ms in all`);
  assert.equal((await work(plane)).status.failed, 3);
  assert.equal((await podsNow(plane)).length, 3);
});

for (const propagationPolicy of ["Background", "Foreground"] as const) {
  test(`deleting a Job (${propagationPolicy}) takes its pods along`, async () => {
    await using plane = await startControlPlane();
    await create(plane, "app", { parallelism: 3, completions: 3 });
    await plane.until("running", async () => (await work(plane)).status.ready === 3);
    await plane.client.delete(jobs, WORK, { propagationPolicy });
    await plane.until(
      "gone",
      async () => (await isGone(plane)) && (await podsNow(plane)).length === 0,
    );
  });
}

test("pods that a Job leaves behind can be deleted", async () => {
  await using plane = await startControlPlane();
  await create(plane, "app");
  await plane.until("running", async () => (await work(plane)).status.ready === 1);
  await plane.client.delete(jobs, WORK, { propagationPolicy: "Orphan" });
  await plane.until("gone", () => isGone(plane));
  await plane.until("let go", async () => {
    const [pod] = await podsNow(plane);
    return (pod?.metadata.finalizers ?? []).length === 0;
  });
  const [pod] = await podsNow(plane);
  assert.ok(pod !== undefined && isActive(pod), "it runs on");
});

test("a Job adopts a pod that its own selector chooses, and counts it", async () => {
  await using plane = await startControlPlane();
  const labels = { mine: "yes" };
  const spec = { restartPolicy: "Never", containers: [{ name: "c", image: "app" }] };
  const metadata = { namespace, name: "found", labels };
  await plane.client.create<Pod>(pods, { metadata, spec } as never);
  await create(plane, "app", {
    manualSelector: true,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec },
  });
  await plane.until("adopted", async () => {
    const [pod, ...more] = await podsNow(plane);
    return more.length === 0 && pod?.metadata.finalizers?.length === 1;
  });
  const body = { status: { phase: "Succeeded" } };
  await plane.client.patch(
    pods,
    { namespace, name: "found" },
    { type: "merge", body },
    { subresource: "status" },
  );
  await plane.until("complete", () => is(plane, "Complete"));
});

test("a pod whose labels no longer match is let go, without the finalizer, and replaced", async () => {
  await using plane = await startControlPlane();
  await create(plane, "app");
  await plane.until("running", async () => (await work(plane)).status.ready === 1);
  const name = (await podsNow(plane))[0]?.metadata.name ?? "";
  const body = { metadata: { labels: { "batch.kubernetes.io/controller-uid": "other" } } };
  await plane.client.patch(pods, { namespace, name }, { type: "merge", body });
  await plane.until(
    "replaced",
    async () => (await work(plane)).status.ready === 1 && (await podsNow(plane)).length === 2,
  );
  await plane.until("let go", async () => {
    const { metadata } = await plane.client.get(pods, { namespace, name });
    return (
      (metadata.finalizers ?? []).length === 0 && (metadata.ownerReferences ?? []).length === 0
    );
  });
});

test("a pod that loses its owner is taken back, and counts", async () => {
  await using plane = await startControlPlane();
  await create(plane, "app");
  await plane.until("running", async () => (await work(plane)).status.ready === 1);
  const name = (await podsNow(plane))[0]?.metadata.name ?? "";
  const body = { metadata: { ownerReferences: null } };
  await plane.client.patch(pods, { namespace, name }, { type: "merge", body });
  await plane.until("adopted", async () => {
    const [pod, ...more] = await podsNow(plane);
    return (
      more.length === 0 &&
      pod?.metadata.ownerReferences?.length === 1 &&
      pod.metadata.finalizers?.length === 1
    );
  });
});

test("a namespace goes with its Jobs and their pods", async () => {
  await using plane = await startControlPlane();
  await plane.client.create(namespaces, { metadata: { name: "team" } });
  const spec = { restartPolicy: "Never", containers: [{ name: "c", image: "app" }] };
  const metadata = { namespace: "team", name: "work" };
  await plane.client.create<Job>(jobs, {
    metadata,
    spec: { parallelism: 3, template: { spec } },
  } as never);
  const inTeam = async () => (await plane.client.list(pods, { namespace: "team" })).items.length;
  await plane.until("running", async () => (await inTeam()) === 3);
  await plane.client.delete(namespaces, { name: "team" });
  await plane.until("gone", async () => {
    const all = (await plane.client.list(namespaces)).items.map((each) => each.metadata.name);
    return !all.includes("team") && (await inTeam()) === 0;
  });
});

test("suspending ends the pods, and resuming runs the Job to its end", async () => {
  await using plane = await startControlPlane();
  await create(plane, "app", { parallelism: 2, completions: 2 });
  await plane.until("running", async () => (await work(plane)).status.ready === 2);
  const suspend = (value: boolean) =>
    plane.client.patch(jobs, WORK, { type: "merge", body: { spec: { suspend: value } } });
  await suspend(true);
  await plane.until("suspended", async () => (await podsNow(plane)).length === 0);
  assert.ok(await is(plane, "Suspended"));
  assert.equal((await work(plane)).status.failed, undefined);
  await suspend(false);
  await plane.until("running again", async () => (await work(plane)).status.ready === 2);
});

test("a finished Job is gone when its time is over, with its pods", async () => {
  await using plane = await startControlPlane();
  await create(plane, "ends", { ttlSecondsAfterFinished: 30 });
  await plane.until("complete", () => is(plane, "Complete"));
  await plane.clock.advance(25_000);
  assert.equal(await isGone(plane), false);
  await plane.clock.advance(10_000);
  await plane.until("gone", () => isGone(plane));
  assert.deepEqual(await podsNow(plane), []);
});

test("a Job of another controller is left alone", async () => {
  await using plane = await startControlPlane();
  await create(plane, "ends", { managedBy: "example.com/queue" });
  await plane.clock.advance(5000);
  assert.deepEqual(await podsNow(plane), []);
  assert.deepEqual((await work(plane)).status, {});
});

/** Fails at the first pod that counts, and does not count those that were taken from it. */
const SPARED = {
  backoffLimit: 0,
  podFailurePolicy: {
    rules: [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget" }] }],
  },
};

test("an evicted pod does not count where the failure policy ignores disruptions", async () => {
  await using plane = await startControlPlane();
  await create(plane, "app", SPARED);
  await plane.until("running", async () => (await work(plane)).status.ready === 1);
  const [first] = await podsNow(plane);
  const { name = "", uid } = first?.metadata ?? {};
  const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace } };
  await plane.client.createSubresource(pods, { namespace, name }, "eviction", eviction);
  await plane.until("replaced", async () => {
    const [now] = await podsNow(plane);
    return now !== undefined && now.metadata.uid !== uid && (await work(plane)).status.ready === 1;
  });
  assert.equal((await work(plane)).status.failed, undefined);
  assert.equal(await is(plane, "FailureTarget"), false);
});

test("a pod whose node is no more has failed, and its Job goes on elsewhere", async () => {
  await using plane = await startControlPlane();
  await create(plane, "app", SPARED);
  await plane.until("running", async () => (await work(plane)).status.ready === 1);
  const [first] = await podsNow(plane);
  const nodeName = first?.spec.nodeName ?? "";
  plane.nodes.stop(nodeName);
  await plane.client.delete(nodes, { name: nodeName });
  await plane.until(
    "replaced",
    async () => {
      const [now, ...more] = await podsNow(plane);
      return (
        more.length === 0 &&
        now?.spec.nodeName !== nodeName &&
        (await work(plane)).status.ready === 1
      );
    },
    120_000,
  );
  assert.equal(await is(plane, "FailureTarget"), false);
});

for (const seed of [1, 2, 3]) {
  test(`on a bad network a Job counts each pod once all the same (seed ${seed})`, async () => {
    let faults = GOOD;
    await using plane = await startControlPlane({ seed, faults: () => faults });
    faults = BAD;
    await create(plane, "ends", { completions: 8, parallelism: 4 });
    const everEnded = new Set<string>();
    const ended = async () =>
      (await podsNow(plane)).filter(({ status }) => status.phase === "Succeeded");
    // A lost answer keeps a controller waiting for five minutes.
    await plane.until(
      "complete",
      async () => {
        for (const { metadata } of await ended()) everEnded.add(metadata.uid);
        return is(plane, "Complete");
      },
      600_000,
    );
    const { failed = 0, succeeded = 0, uncountedTerminatedPods } = (await work(plane)).status;
    assert.ok(succeeded >= 8);
    assert.ok(succeeded >= (await ended()).length, "none is lost");
    // One too many, made by a call whose answer was lost, may be counted and then deleted.
    assert.ok(succeeded <= everEnded.size, "none counts twice");
    assert.equal(failed, 0);
    assert.deepEqual(uncountedTerminatedPods, {});
  });
}
