/** Workloads over a bad network: whatever is refused, lost, late or cut off, the cluster comes to what was asked for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isActive, isReady } from "#lib/api/pod";
import { seededRandom } from "#lib/testing/virtual-clock";
import type { DaemonSet, Deployment } from "#proto/apps/v1";
import type { Pod } from "#proto/core/v1";
import { daemonSets, deployments, pods, replicaSets } from "#resources";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";
import type { Faults } from "./unreliable.ts";

/** Seeds that once failed stay here for ever. */
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8, 36, 44];
const BAD: Faults = { refused: 0.15, lost: 0.1, cut: 0.05, delayMs: 200 };
const GOOD: Faults = { refused: 0, lost: 0, cut: 0, delayMs: 20 };

const namespace = "default";
const WEB = { namespace, name: "web" };
const ACTIONS = 12;

function template(app: string, image: string) {
  return { metadata: { labels: { app } }, spec: { containers: [{ name: "c", image }] } };
}

async function podsOf(plane: ControlPlane, app: string): Promise<readonly Pod[]> {
  const labelSelector = `app=${app}`;
  return (await plane.client.list(pods, { namespace }, { labelSelector })).items.filter(isActive);
}

async function create(plane: ControlPlane): Promise<void> {
  const selector = (app: string) => ({ selector: { matchLabels: { app } } });
  await plane.client.create<Deployment>(deployments, {
    metadata: WEB,
    spec: { ...selector("web"), replicas: 3, template: template("web", "app:v0") },
  } as never);
  await plane.client.create<DaemonSet>(daemonSets, {
    metadata: WEB,
    spec: { ...selector("agent"), template: template("agent", "app:v0") },
  } as never);
}

for (const seed of SEEDS) {
  test(`workloads come to what was asked for over a bad network, seed ${seed}`, async () => {
    let faults = GOOD;
    const random = seededRandom(seed);
    const pick = (below: number): number => Math.floor(random.fraction() * below);
    await using plane = await startControlPlane({ seed, faults: () => faults });
    await create(plane);
    faults = BAD;
    let image = "app:v0";
    let replicas = 3;
    for (let at = 1; at <= ACTIONS; at++) {
      const action = pick(4);
      if (action === 0) replicas = pick(7);
      if (action === 1) image = `app:v${at}`;
      if (action === 2) {
        const [victim] = await podsOf(plane, pick(2) === 0 ? "web" : "agent");
        const name = victim?.metadata.name ?? "";
        if (name !== "") await plane.client.delete(pods, { namespace, name });
      }
      const change = (app: string, spec: object) => ({
        type: "strategic" as const,
        body: { spec: { ...spec, template: template(app, image) } },
      });
      await plane.client.patch(deployments, WEB, change("web", { replicas }));
      await plane.client.patch(daemonSets, WEB, change("agent", {}));
      await plane.clock.advance(pick(6000));
      const most = Math.ceil(7 * 1.25);
      assert.ok((await podsOf(plane, "web")).length <= most, "no pods are made twice without end");
    }
    faults = GOOD;
    const isDone = async (app: string, wanted: number) => {
      const now = await podsOf(plane, app);
      const good = now.filter((pod) => isReady(pod) && pod.spec.containers[0]?.image === image);
      return now.length === wanted && good.length === wanted;
    };
    // Five minutes: so long a lost answer keeps a controller waiting.
    const limitMs = 8 * 60_000;
    await plane.until("the Deployment", () => isDone("web", replicas), limitMs);
    await plane.until("the DaemonSet", () => isDone("agent", 3), limitMs);
    await plane.until("status", async () => {
      const { status } = await plane.client.get(deployments, WEB);
      return (status.availableReplicas ?? 0) === replicas && (status.replicas ?? 0) === replicas;
    });
    const { items } = await plane.client.list(replicaSets, { namespace });
    const active = items.filter((set) => (set.spec.replicas ?? 0) > 0).length;
    assert.equal(active, replicas === 0 ? 0 : 1);
    const version = async () => (await plane.client.get(deployments, WEB)).metadata.resourceVersion;
    const before = await version();
    await plane.clock.advance(60_000);
    assert.equal(await version(), before, "then nothing more happens");
  });
}
