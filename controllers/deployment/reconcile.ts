import { isDeepStrictEqual } from "node:util";
import type { Client, EventRecorder, ObjectStore } from "#client";
import { controllerReference, isControlledBy } from "#lib/api/owner";
import { isActive } from "#lib/api/pod";
import { labelSelectorMatcher } from "#lib/api/selector";
import type { Clock } from "#lib/clock";
import { StatusError } from "#lib/status-error";
import type { Deployment, ReplicaSet } from "#proto/apps/v1";
import type { Pod } from "#proto/core/v1";
import { deployments, replicaSets } from "#resources";
import { performClaim, planClaim } from "../claim.ts";
import { podsControlledBy } from "../owned-pods.ts";
import { rolloutLimits } from "./limits.ts";
import { type DeploymentPlan, planDeployment } from "./plan.ts";
import { DESIRED_REPLICAS, inheritedAnnotations, MAX_REPLICAS, REVISION } from "./revision.ts";
import { type Scaling, sizeOf } from "./rolling-update.ts";
import { deadlineAtMs, deploymentStatus, type Happening } from "./status.ts";
import { isSameTemplate, TEMPLATE_HASH, templateHash } from "./template-hash.ts";

export interface DeploymentDeps {
  readonly client: Client;
  readonly deployments: ObjectStore<Deployment>;
  /** Its own, and those of its namespace that nobody controls. */
  readonly setsFor: (deployment: Deployment) => readonly ReplicaSet[];
  readonly pods: ObjectStore<Pod>;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
}

/** Takes a Deployment one step towards what it says. Returns when its progress deadline will have passed. */
export async function reconcileDeployment(
  deps: DeploymentDeps,
  key: string,
): Promise<number | undefined> {
  const deployment = deps.deployments.get(key);
  // Deleted: the garbage collector ends the ReplicaSets.
  if (deployment === undefined) return undefined;
  const sets = await claim(deps, deployment);
  if (deployment.metadata.deletionTimestamp !== undefined) {
    await writeStatus(
      deps,
      deployment,
      { ...planDeployment(deployment, sets, true), create: undefined },
      undefined,
    );
    return undefined;
  }
  const plan = planDeployment(deployment, sets, oldPodsRunning(deps, deployment, sets));
  const { created, collisions } = await createNewest(deps, deployment, plan);
  for (const scaling of plan.scale) await scaleSet(deps, deployment, scaling);
  const annotated = await annotate(deps, deployment, plan);
  for (const set of plan.remove) await removeSet(deps, set);
  const happening = created === undefined ? undefined : { created: created.metadata.name };
  const counted = { ...annotated, status: { ...annotated.status, ...collisions } };
  return writeStatus(deps, counted, { ...plan, newest: plan.newest ?? created }, happening);
}

function claim(deps: DeploymentDeps, deployment: Deployment): Promise<readonly ReplicaSet[]> {
  const matches = labelSelectorMatcher(deployment.spec.selector);
  const plan = planClaim(deployment, matches, deps.setsFor(deployment));
  const target = { ownerResource: deployments, owner: deployment, resource: replicaSets };
  return performClaim({ client: deps.client, ...target }, plan);
}

function oldPodsRunning(
  deps: DeploymentDeps,
  deployment: Deployment,
  sets: readonly ReplicaSet[],
): boolean {
  if (deployment.spec.strategy.type !== "Recreate") return false;
  return sets
    .filter((set) => !isSameTemplate(set, deployment.spec.template))
    .flatMap((set) => podsControlledBy(deps.pods, set.metadata.uid))
    .some((pod) => isActive(pod) || pod.metadata.deletionTimestamp !== undefined);
}

interface Created {
  readonly created?: ReplicaSet;
  /** Set when names were taken: the next hash starts from there. */
  readonly collisions?: { readonly collisionCount: number };
}

/** Names that are taken by others' ReplicaSets; more are tried in the next pass. */
const COLLISIONS_MAX = 10;

async function createNewest(
  deps: DeploymentDeps,
  deployment: Deployment,
  { create }: DeploymentPlan,
): Promise<Created> {
  if (create === undefined) return {};
  const { name, namespace = "" } = deployment.metadata;
  const { spec } = deployment;
  const { replicas, revision } = create;
  const known = deployment.status.collisionCount ?? 0;
  for (let collisions = known; collisions < known + COLLISIONS_MAX; collisions++) {
    const noted = collisions === known ? {} : { collisions: { collisionCount: collisions } };
    const hash = templateHash(spec.template, collisions);
    const labels = { ...spec.template.metadata.labels, [TEMPLATE_HASH]: hash };
    const draft = {
      metadata: {
        name: `${name}-${hash}`,
        namespace,
        labels,
        annotations: setAnnotations(deployment, revision),
        ownerReferences: [controllerReference(deployment)],
      },
      spec: {
        replicas,
        minReadySeconds: spec.minReadySeconds ?? 0,
        selector: {
          ...spec.selector,
          matchLabels: { ...spec.selector?.matchLabels, [TEMPLATE_HASH]: hash },
        },
        template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
      },
    };
    try {
      const created = await deps.client.create(replicaSets, draft);
      record(deps, deployment, "up", created.metadata.name, 0, replicas);
      return { created, ...noted };
    } catch (error) {
      if (!StatusError.is(error, "AlreadyExists")) throw error;
      const there = await deps.client.get(replicaSets, { namespace, name: draft.metadata.name });
      // Ours, from a pass whose answer was lost; otherwise another template with the same hash.
      if (isControlledBy(there, deployment) && isSameTemplate(there, spec.template))
        return { created: there, ...noted };
    }
  }
  return { collisions: { collisionCount: known + COLLISIONS_MAX } };
}

async function scaleSet(
  deps: DeploymentDeps,
  deployment: Deployment,
  { set, replicas }: Scaling,
): Promise<void> {
  const { name, namespace = "" } = set.metadata;
  const body = {
    metadata: { annotations: sizeAnnotations(deployment) },
    spec: { replicas },
  };
  await deps.client.patch(replicaSets, { namespace, name }, { type: "merge", body });
  const before = sizeOf(set);
  record(deps, deployment, replicas > before ? "up" : "down", name, before, replicas);
}

/**
 * Revision numbers and sizes, on the ReplicaSets and on the Deployment: kubectl's rollout commands read them. Returns the
 * Deployment as it is then.
 */
async function annotate(
  deps: DeploymentDeps,
  deployment: Deployment,
  { newest, revision }: DeploymentPlan,
): Promise<Deployment> {
  if (newest !== undefined) await matchSet(deps, deployment, newest, revision);
  if (deployment.metadata.annotations?.[REVISION] === String(revision)) return deployment;
  const { name, namespace = "" } = deployment.metadata;
  const body = { metadata: { annotations: { [REVISION]: String(revision) } } };
  return deps.client.patch(deployments, { namespace, name }, { type: "merge", body });
}

/** What the newest ReplicaSet takes over from its Deployment besides the template. */
async function matchSet(
  deps: DeploymentDeps,
  deployment: Deployment,
  set: ReplicaSet,
  revision: number,
): Promise<void> {
  const wanted = setAnnotations(deployment, revision);
  const have = set.metadata.annotations ?? {};
  const { minReadySeconds = 0 } = deployment.spec;
  const isMatching =
    Object.entries(wanted).every(([key, value]) => have[key] === value) &&
    (set.spec.minReadySeconds ?? 0) === minReadySeconds;
  if (isMatching) return;
  const { name, namespace = "" } = set.metadata;
  const body = { metadata: { annotations: wanted }, spec: { minReadySeconds } };
  await deps.client.patch(replicaSets, { namespace, name }, { type: "merge", body });
}

function setAnnotations(
  deployment: Deployment,
  revision: number,
): Readonly<Record<string, string>> {
  return {
    ...inheritedAnnotations(deployment.metadata.annotations),
    ...sizeAnnotations(deployment),
    [REVISION]: String(revision),
  };
}

function sizeAnnotations(deployment: Deployment): Readonly<Record<string, string>> {
  const { replicas, maxSurge } = rolloutLimits(deployment);
  return { [DESIRED_REPLICAS]: String(replicas), [MAX_REPLICAS]: String(replicas + maxSurge) };
}

async function removeSet(deps: DeploymentDeps, set: ReplicaSet): Promise<void> {
  const { name, namespace = "", uid } = set.metadata;
  try {
    await deps.client.delete(replicaSets, { namespace, name }, { preconditions: { uid } });
  } catch (error) {
    if (!StatusError.is(error, "NotFound")) throw error;
  }
}

async function writeStatus(
  deps: DeploymentDeps,
  deployment: Deployment,
  plan: DeploymentPlan,
  happening: Happening,
): Promise<number | undefined> {
  const nowMs = deps.clock.nowMs();
  const status = deploymentStatus(deployment, {
    newest: plan.newest,
    old: plan.old,
    happening,
    nowMs,
    collisionCount: deployment.status.collisionCount,
  });
  if (!isSame(deployment.status, status)) {
    try {
      await deps.client.updateStatus(deployments, { ...deployment, status });
    } catch (error) {
      // Its next version is on its way to us, and wakes the key again.
      if (!StatusError.is(error, "NotFound") && !StatusError.is(error, "Conflict")) throw error;
    }
  }
  const dueMs = deadlineAtMs(deployment, status);
  return dueMs === undefined ? undefined : Math.max(1000, dueMs - nowMs);
}

/** Zeros that the server leaves out are no difference. */
function isSame(before: Deployment["status"], after: Deployment["status"]): boolean {
  const normal = (status: Deployment["status"]): unknown => ({
    replicas: status.replicas ?? 0,
    updated: status.updatedReplicas ?? 0,
    ready: status.readyReplicas ?? 0,
    available: status.availableReplicas ?? 0,
    unavailable: status.unavailableReplicas ?? 0,
    observed: status.observedGeneration ?? 0,
    collisions: status.collisionCount,
    conditions: status.conditions ?? [],
  });
  return isDeepStrictEqual(normal(before), normal(after));
}

function record(
  deps: DeploymentDeps,
  deployment: Deployment,
  direction: "down" | "up",
  name: string,
  before: number,
  after: number,
): void {
  if (before === after) return;
  const message = `Scaled ${direction} replica set ${name} from ${before} to ${after}`;
  deps.recorder.record(deployment, { type: "Normal", reason: "ScalingReplicaSet", message });
}
