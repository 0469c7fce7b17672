/** A Deployment's life through the real API core: rollout, undo, pause, deadline, scaling, deletion. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { controllerOf } from "#lib/api/owner";
import { isActive, isReady } from "#lib/api/pod";
import type { Deployment, ReplicaSet } from "#proto/apps/v1";
import type { Pod } from "#proto/core/v1";
import { deployments, events, pods, replicaSets } from "#resources";
import { type ControlPlane, conditionOf, startControlPlane } from "./control-plane.ts";

const namespace = "default";
const WEB = { namespace, name: "web" };
const labels = { app: "web" };
const REVISION = "deployment.kubernetes.io/revision";

function draft(spec: object = {}) {
  return {
    metadata: WEB,
    spec: {
      replicas: 4,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: "c", image: "app:v1" }] },
      },
      ...spec,
    },
  };
}

const image = (name: string) => ({
  spec: { template: { spec: { containers: [{ name: "c", image: name }] } } },
});

async function start(plane: ControlPlane, spec: object = {}): Promise<void> {
  await plane.client.create<Deployment>(deployments, draft(spec) as never);
  await plane.until("the first rollout", () => isRolledOut(plane, "app:v1"));
}

async function change(plane: ControlPlane, body: object): Promise<void> {
  await plane.client.patch(deployments, WEB, { type: "strategic", body: body as never });
}

const web = (plane: ControlPlane): Promise<Deployment> => plane.client.get(deployments, WEB);

async function sets(plane: ControlPlane): Promise<readonly ReplicaSet[]> {
  return (await plane.client.list(replicaSets, { namespace })).items;
}

async function podsNow(plane: ControlPlane): Promise<readonly Pod[]> {
  return (await plane.client.list(pods, { namespace })).items;
}

/** What `kubectl rollout status` waits for. */
async function isRolledOut(plane: ControlPlane, of: string): Promise<boolean> {
  const { metadata, spec, status } = await web(plane);
  const wanted = spec.replicas ?? 1;
  return (
    spec.template.spec.containers[0]?.image === of &&
    (status.observedGeneration ?? 0) >= (metadata.generation ?? 0) &&
    status.updatedReplicas === wanted &&
    status.replicas === wanted &&
    status.availableReplicas === wanted
  );
}

test("a Deployment rolls out within its limits, keeps its history, and goes back", async () => {
  await using plane = await startControlPlane();
  await start(plane, { strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } });
  const [first] = await sets(plane);
  assert.equal(first?.metadata.annotations?.[REVISION], "1");
  assert.equal(conditionOf(await web(plane), "Progressing")?.reason, "NewReplicaSetAvailable");

  await change(plane, image("app:v2"));
  let fewest = Number.POSITIVE_INFINITY;
  let most = 0;
  await plane.until("the second rollout", async () => {
    const now = (await podsNow(plane)).filter(isActive);
    fewest = Math.min(fewest, now.filter(isReady).length);
    most = Math.max(most, now.length);
    return isRolledOut(plane, "app:v2");
  });
  assert.deepEqual({ fewest, most }, { fewest: 4, most: 5 });
  assert.equal((await web(plane)).metadata.annotations?.[REVISION], "2");

  await change(plane, image("app:v1"));
  await plane.until("the undo", () => isRolledOut(plane, "app:v1"));
  const after = await sets(plane);
  assert.equal(after.length, 2, "the old ReplicaSet is used again");
  const again = after.find((set) => set.metadata.uid === first?.metadata.uid);
  assert.equal(again?.metadata.annotations?.[REVISION], "3");
  const said = (await plane.client.list(events, { namespace })).items;
  assert.ok(
    said.some(({ message }) => /^Scaled up replica set web-\S+ from 0 to 4$/.test(message ?? "")),
  );
  assert.deepEqual(plane.errors, []);
});

test("a paused Deployment starts no rollout but still scales", async () => {
  await using plane = await startControlPlane();
  await start(plane);
  await change(plane, { spec: { paused: true } });
  await change(plane, image("app:v2"));
  await change(plane, { spec: { replicas: 6 } });
  await plane.until("scaled", async () => (await web(plane)).status.availableReplicas === 6);
  assert.equal((await sets(plane)).length, 1);
  assert.equal(conditionOf(await web(plane), "Progressing")?.reason, "DeploymentPaused");
  await change(plane, { spec: { paused: false } });
  await plane.until("resumed", () => isRolledOut(plane, "app:v2"));
  assert.deepEqual(plane.errors, []);
});

test("a rollout that cannot succeed stops at its deadline, and a good template mends it", async () => {
  await using plane = await startControlPlane();
  await start(plane, { progressDeadlineSeconds: 20 });
  await change(plane, image("bad:v2"));
  const reason = async () => conditionOf(await web(plane), "Progressing")?.reason;
  await plane.until("the deadline", async () => (await reason()) === "ProgressDeadlineExceeded");
  assert.equal(conditionOf(await web(plane), "Available")?.status, "True");
  const serving = (await podsNow(plane)).filter(isReady).length;
  assert.ok(serving >= 3, `${serving} pods still serve`);
  await change(plane, image("app:v3"));
  await plane.until("mended", () => isRolledOut(plane, "app:v3"));
  assert.equal(await reason(), "NewReplicaSetAvailable");
  assert.deepEqual(plane.errors, []);
});

test("Recreate ends all old pods before it starts new ones", async () => {
  await using plane = await startControlPlane();
  await start(plane, { strategy: { type: "Recreate" } });
  await change(plane, image("app:v2"));
  await plane.until("recreated", async () => {
    const versions = new Set((await podsNow(plane)).map((pod) => pod.spec.containers[0]?.image));
    assert.ok(versions.size <= 1, "never two versions at a time");
    return isRolledOut(plane, "app:v2");
  });
});

test("minReadySeconds holds a rollout back, also when it is changed", async () => {
  await using plane = await startControlPlane();
  await start(plane, { minReadySeconds: 2 });
  await change(plane, { spec: { minReadySeconds: 30 } });
  await plane.clock.advance(40_000);
  assert.equal((await sets(plane))[0]?.spec.minReadySeconds, 30);
  await change(plane, image("app:v2"));
  await plane.clock.advance(25_000);
  assert.equal(await isRolledOut(plane, "app:v2"), false);
  await plane.until("patient rollout", () => isRolledOut(plane, "app:v2"), 200_000);
});

test("scaling in the middle of a rollout comes to rest, and old revisions are forgotten", async () => {
  await using plane = await startControlPlane();
  await start(plane, { replicas: 10, revisionHistoryLimit: 1 });
  for (const [version, replicas] of [
    ["app:v2", 14],
    ["app:v3", 7],
    ["app:v4", 11],
  ] as const) {
    await change(plane, image(version));
    await plane.clock.advance(500);
    await change(plane, { spec: { replicas } });
    await plane.until(`${version} at ${replicas}`, () => isRolledOut(plane, version));
  }
  await plane.until("history", async () => (await sets(plane)).length === 2);
  const before = (await web(plane)).metadata.resourceVersion;
  await plane.clock.advance(60_000);
  assert.equal((await web(plane)).metadata.resourceVersion, before, "nothing more happens");
  assert.deepEqual(plane.errors, []);
});

test("foreground deletion ends pods first, then the ReplicaSet, then the Deployment", async () => {
  await using plane = await startControlPlane();
  await start(plane);
  await plane.client.delete(deployments, WEB, { propagationPolicy: "Foreground" });
  await plane.until("gone", async () => {
    const setsLeft = (await sets(plane)).length;
    const podsLeft = (await podsNow(plane)).length;
    const isLeft = (await plane.client.list(deployments, { namespace })).items.length > 0;
    if (podsLeft > 0) assert.ok(setsLeft > 0, "the ReplicaSet waits for its pods");
    if (setsLeft > 0) assert.ok(isLeft, "the Deployment waits for its ReplicaSet");
    return !isLeft;
  });
  assert.deepEqual(plane.errors, []);
});

test("orphaned ReplicaSets and pods live on, and a new Deployment adopts them", async () => {
  await using plane = await startControlPlane();
  await start(plane);
  const names = async () => (await podsNow(plane)).map(({ metadata }) => metadata.name).toSorted();
  const before = await names();
  await plane.client.delete(deployments, WEB, { propagationPolicy: "Orphan" });
  await plane.until("gone", async () => {
    return (await plane.client.list(deployments, { namespace })).items.length === 0;
  });
  await plane.clock.advance(10_000);
  const left = await sets(plane);
  assert.deepEqual(
    left.map((set) => [set.metadata.ownerReferences ?? [], set.status.readyReplicas]),
    [[[], 4]],
  );
  await start(plane);
  const [again] = await sets(plane);
  assert.equal(again?.metadata.uid, left[0]?.metadata.uid);
  assert.equal(controllerOf(again ?? left[0] ?? assert.fail())?.name, "web");
  assert.deepEqual(await names(), before, "no pod was ended or made");
  assert.deepEqual(plane.errors, []);
});

test("a ReplicaSet releases a pod whose labels were changed, and takes it back", async () => {
  await using plane = await startControlPlane();
  await start(plane);
  const [pod] = await podsNow(plane);
  const key = { namespace, name: pod?.metadata.name ?? "" };
  const relabel = (app: string) =>
    plane.client.patch(pods, key, { type: "merge", body: { metadata: { labels: { app } } } });
  const hasOwner = async () => controllerOf(await plane.client.get(pods, key)) !== undefined;
  await relabel("debug");
  await plane.until("replaced", async () => (await podsNow(plane)).length === 5);
  assert.equal(await hasOwner(), false);
  await relabel("web");
  await plane.until("one too many", async () => (await podsNow(plane)).length === 4);
  assert.deepEqual(plane.errors, []);
});

test("background deletion leaves nothing behind", async () => {
  await using plane = await startControlPlane();
  await start(plane);
  await plane.client.delete(deployments, WEB, { propagationPolicy: "Background" });
  await plane.until("gone", async () => {
    return (await sets(plane)).length === 0 && (await podsNow(plane)).length === 0;
  });
  assert.deepEqual(plane.errors, []);
});
