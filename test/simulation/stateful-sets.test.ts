/** StatefulSets through the real API core: order, updates within limits, going back, and what a bad network does to them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isReady } from "#lib/api/pod";
import type { ControllerRevision, StatefulSet } from "#proto/apps/v1";
import type { Pod } from "#proto/core/v1";
import { controllerRevisions, persistentVolumeClaims, pods, statefulSets } from "#resources";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";
import type { Faults } from "./unreliable.ts";

const namespace = "default";
const GOOD: Faults = { refused: 0, lost: 0, cut: 0, delayMs: 0 };
const BAD: Faults = { refused: 0.1, lost: 0.1, cut: 0.05, delayMs: 300 };
const DB = { namespace, name: "db" };
const labels = { app: "db" };

async function create(plane: ControlPlane, spec: object = {}): Promise<void> {
  const template = { metadata: { labels }, spec: { containers: [{ name: "c", image: "app:v1" }] } };
  const full = {
    replicas: 3,
    serviceName: "db",
    selector: { matchLabels: labels },
    template,
    ...spec,
  };
  await plane.client.create<StatefulSet>(statefulSets, { metadata: DB, spec: full } as never);
}

const db = (plane: ControlPlane): Promise<StatefulSet> => plane.client.get(statefulSets, DB);

async function change(plane: ControlPlane, spec: object): Promise<void> {
  await plane.client.patch(statefulSets, DB, { type: "strategic", body: { spec } as never });
}

const image = (name: string) => ({
  template: { spec: { containers: [{ name: "c", image: name }] } },
});

async function podsNow(plane: ControlPlane): Promise<readonly Pod[]> {
  const { items } = await plane.client.list(pods, { namespace });
  return items.toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name));
}

async function images(plane: ControlPlane): Promise<readonly (string | undefined)[]> {
  return (await podsNow(plane)).map(({ spec }) => spec.containers[0]?.image);
}

/** What `kubectl rollout status` waits for. */
async function isRolledOut(plane: ControlPlane): Promise<boolean> {
  const { metadata, spec, status } = await db(plane);
  return (
    (status.observedGeneration ?? 0) >= (metadata.generation ?? 0) &&
    (status.readyReplicas ?? 0) === (spec.replicas ?? 1) &&
    status.replicas === spec.replicas &&
    status.currentRevision === status.updateRevision
  );
}

async function revisions(plane: ControlPlane): Promise<readonly ControllerRevision[]> {
  const { items } = await plane.client.list(controllerRevisions, { namespace });
  return items.toSorted((a, b) => a.revision - b.revision);
}

test("pods come one after another, each with its name, and go from the top", async () => {
  await using plane = await startControlPlane();
  await create(plane);
  const order: string[] = [];
  await plane.until("up", async () => {
    const now = await podsNow(plane);
    for (const { metadata } of now) if (!order.includes(metadata.name)) order.push(metadata.name);
    assert.ok(now.slice(0, -1).every(isReady), "all before the last are ready");
    return isRolledOut(plane);
  });
  assert.deepEqual(order, ["db-0", "db-1", "db-2"]);
  const [first] = await podsNow(plane);
  assert.deepEqual([first?.spec.hostname, first?.spec.subdomain], ["db-0", "db"]);
  await change(plane, { replicas: 1 });
  await plane.until("down", async () => {
    const names = (await podsNow(plane)).map(({ metadata }) => metadata.name);
    assert.ok(["db-0,db-1,db-2", "db-0,db-1", "db-0"].includes(names.join()), names.join());
    return names.length === 1;
  });
  assert.deepEqual(plane.errors, []);
});

test("an update goes from the top, one at a time, stops at the partition, and goes back", async () => {
  await using plane = await startControlPlane();
  await create(plane);
  await plane.until("up", () => isRolledOut(plane));
  await change(plane, { ...image("app:v2"), updateStrategy: { rollingUpdate: { partition: 1 } } });
  const v1 = "app:v1";
  const v2 = "app:v2";
  await plane.until("as far as the partition", async () => {
    const down = 3 - (await podsNow(plane)).filter(isReady).length;
    assert.ok(down <= 1, `${down} down`);
    return (await db(plane)).status.updatedReplicas === 2 && down === 0;
  });
  assert.deepEqual(await images(plane), [v1, v2, v2]);
  // Deleted below the partition, a pod comes back as it was.
  const uid = async () => (await podsNow(plane))[0]?.metadata.uid;
  const before = await uid();
  await plane.client.delete(pods, { namespace, name: "db-0" });
  await plane.until("as it was", async () => {
    const ready = (await podsNow(plane)).filter(isReady);
    return ready.length === 3 && (await uid()) !== before;
  });
  assert.deepEqual(await images(plane), [v1, v2, v2]);
  await change(plane, { updateStrategy: { rollingUpdate: { partition: 0 } } });
  await plane.until("all", () => isRolledOut(plane));
  assert.deepEqual(await images(plane), [v2, v2, v2]);
  const [first, second] = await revisions(plane);
  assert.deepEqual([first?.revision, second?.revision], [1, 2]);
  await change(plane, image(v1));
  await plane.until(
    "back again",
    async () => (await isRolledOut(plane)) && !(await images(plane)).includes(v2),
  );
  const after = await revisions(plane);
  assert.deepEqual(
    after.map(({ metadata }) => metadata.name),
    [second, first].map((each) => each?.metadata.name),
  );
  assert.equal(after.at(-1)?.revision, 3);
  assert.deepEqual(plane.errors, []);
});

test("an update that cannot work halts at the first pod, and old revisions are kept as far as they should", async () => {
  await using plane = await startControlPlane();
  await create(plane, { revisionHistoryLimit: 1 });
  await plane.until("up", () => isRolledOut(plane));
  for (const version of ["app:v2", "app:v3", "app:v4"]) {
    await change(plane, image(version));
    await plane.until(
      version,
      async () => (await isRolledOut(plane)) && (await images(plane))[0] === version,
    );
  }
  assert.deepEqual(
    (await revisions(plane)).map(({ revision }) => revision),
    [3, 4],
  );
  await change(plane, image("bad:v5"));
  await plane.clock.advance(20_000);
  assert.deepEqual(await images(plane), ["app:v4", "app:v4", "bad:v5"]);
});

test("a pod that failed or was evicted is replaced under its name", async () => {
  await using plane = await startControlPlane();
  await create(plane);
  await plane.until("up", () => isRolledOut(plane));
  const before = (await podsNow(plane))[1]?.metadata.uid;
  const body = { status: { phase: "Failed", reason: "Evicted" } };
  await plane.client.patch(
    pods,
    { namespace, name: "db-1" },
    { type: "merge", body },
    { subresource: "status" },
  );
  await plane.until("replaced", async () => {
    const [, second, ...more] = await podsNow(plane);
    return more.length === 1 && second?.metadata.uid !== before && isReady(second as Pod);
  });
});

test("Parallel starts and updates as many as it may", async () => {
  await using plane = await startControlPlane();
  const updateStrategy = { rollingUpdate: { maxUnavailable: 2 } };
  await create(plane, { replicas: 5, podManagementPolicy: "Parallel", updateStrategy });
  await plane.clock.advance(200);
  assert.equal((await podsNow(plane)).length, 5);
  await plane.until("up", () => isRolledOut(plane));
  await change(plane, image("app:v2"));
  let most = 0;
  await plane.until("updated", async () => {
    const down =
      5 -
      (await podsNow(plane)).filter(
        (pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined,
      ).length;
    most = Math.max(most, down);
    return isRolledOut(plane);
  });
  assert.equal(most, 2);
});

const CLAIM = {
  metadata: { name: "data" },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
};

/** Those that stay: one that is going may wait for whoever uses it. */
async function claims(plane: ControlPlane): Promise<readonly string[]> {
  const { items } = await plane.client.list(persistentVolumeClaims, { namespace });
  return items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata }) => metadata.name)
    .toSorted();
}

async function createWithClaims(plane: ControlPlane, policy: object = {}): Promise<void> {
  const container = {
    name: "c",
    image: "app:v1",
    volumeMounts: [{ name: "data", mountPath: "/data" }],
  };
  const template = { metadata: { labels }, spec: { containers: [container] } };
  const persistentVolumeClaimRetentionPolicy = policy;
  await create(plane, {
    template,
    volumeClaimTemplates: [CLAIM],
    persistentVolumeClaimRetentionPolicy,
  });
  await plane.until("up", () => isRolledOut(plane));
}

test("each pod has a claim of its own, and finds it again", async () => {
  await using plane = await startControlPlane();
  await createWithClaims(plane);
  assert.deepEqual(await claims(plane), ["data-db-0", "data-db-1", "data-db-2"]);
  const claimOf = async () => (await podsNow(plane))[2]?.spec.volumes?.[0]?.persistentVolumeClaim;
  assert.deepEqual(await claimOf(), { claimName: "data-db-2" });
  await change(plane, { replicas: 1 });
  await plane.until("down", async () => (await podsNow(plane)).length === 1);
  assert.equal((await claims(plane)).length, 3);
  await change(plane, { replicas: 3 });
  await plane.until("up again", () => isRolledOut(plane));
  assert.deepEqual(await claimOf(), { claimName: "data-db-2" });
  await plane.client.delete(statefulSets, DB, { propagationPolicy: "Background" });
  await plane.until("gone", async () => (await podsNow(plane)).length === 0);
  assert.equal((await claims(plane)).length, 3);
  assert.deepEqual(plane.errors, []);
});

test("claims go with their pods, and with the set, where the policy says so", async () => {
  await using plane = await startControlPlane();
  await createWithClaims(plane, { whenScaled: "Delete", whenDeleted: "Delete" });
  await change(plane, { replicas: 1 });
  await plane.until("scaled", async () => (await claims(plane)).join() === "data-db-0");
  // A pod that is only replaced keeps its claim.
  await plane.client.delete(pods, { namespace, name: "db-0" });
  await plane.clock.advance(5000);
  assert.deepEqual(await claims(plane), ["data-db-0"]);
  await plane.client.delete(statefulSets, DB, { propagationPolicy: "Background" });
  await plane.until("gone", async () => (await claims(plane)).length === 0);
});

for (const seed of [1, 2, 3]) {
  test(`on a bad network an update still takes down one at a time (seed ${seed})`, async () => {
    let faults = GOOD;
    await using plane = await startControlPlane({ seed, faults: () => faults });
    faults = BAD;
    await create(plane);
    await plane.until("up", () => isRolledOut(plane), 600_000);
    await change(plane, image("app:v2"));
    await plane.until(
      "updated",
      async () => {
        const serving = (await podsNow(plane)).filter(
          (pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined,
        );
        assert.ok(serving.length >= 2, `${serving.length} serve`);
        return (await isRolledOut(plane)) && !(await images(plane)).includes("app:v1");
      },
      900_000,
    );
  });
}
