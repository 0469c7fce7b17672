/** cordon, uncordon and drain. */
import { controllerOf } from "#lib/api/owner";
import { sleep } from "#lib/clock";
import { StatusError } from "#lib/status-error";
import type { Pod } from "#proto/core/v1";
import { nodes, pods } from "#resources";
import { pathOf } from "../connection/path.ts";
import type { Session } from "../session.ts";
import { UserError } from "../terminal.ts";
import { seconds } from "./logs.ts";

export interface DrainOptions {
  readonly ignoreDaemonsets?: boolean;
  readonly deleteEmptydirData?: boolean;
  readonly force?: boolean;
  readonly gracePeriod?: number;
  readonly timeout?: string;
}

/** kubectl's interval between tries of an eviction that a disruption budget forbids for now. */
const EVICTION_RETRY_MS = 5000;
const GONE_POLL_MS = 500;
/** The annotation of pods that a file on the node defines; the API cannot evict them. */
const MIRROR = "kubernetes.io/config.mirror";

export async function cordon(
  session: Session,
  names: readonly string[],
  unschedulable: boolean,
): Promise<void> {
  for (const name of names) {
    await session.connection.json(pathOf({ resource: nodes, namespace: undefined, name }), {
      method: "PATCH",
      contentType: "application/strategic-merge-patch+json",
      body: { spec: { unschedulable: unschedulable ? true : null } },
    });
    session.terminal.out(`node/${name} ${unschedulable ? "cordoned" : "uncordoned"}\n`);
  }
}

/** Cordons a node, then evicts its pods and waits until they are gone. */
export async function drain(
  session: Session,
  names: readonly string[],
  options: DrainOptions,
): Promise<void> {
  await cordon(session, names, true);
  const limit = options.timeout === undefined ? 0 : seconds(options.timeout);
  const deadlineMs =
    limit === 0 ? Number.POSITIVE_INFINITY : session.clock.monotonicMs() + limit * 1000;
  for (const name of names) {
    const path = pathOf({ resource: pods, namespace: undefined });
    const query = { fieldSelector: `spec.nodeName=${name}` };
    const { items } = await session.connection.json<{ readonly items: readonly Pod[] }>(path, {
      query,
    });
    const leaving = leavingPods(items, options);
    await Promise.all(leaving.map((pod) => evict(session, pod, options, deadlineMs)));
    session.terminal.out(`node/${name} drained\n`);
  }
}

/** The pods that have to go; throws, naming all that stand in the way, before any is touched. */
function leavingPods(all: readonly Pod[], options: DrainOptions): readonly Pod[] {
  const concerned = all.filter((pod) => pod.metadata.annotations?.[MIRROR] === undefined);
  const problems = concerned
    .filter((pod) => !isFinished(pod))
    .flatMap((pod) => objections(pod, options));
  if (problems.length > 0) {
    throw new UserError(`cannot drain:\n${problems.map((each) => `  ${each}`).join("\n")}`);
  }
  return concerned.filter((pod) => isFinished(pod) || controllerOf(pod)?.kind !== "DaemonSet");
}

/** Why a pod should not just be ended, each with the option that overrules it. */
function objections(pod: Pod, options: DrainOptions): readonly string[] {
  const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
  const controller = controllerOf(pod);
  if (controller?.kind === "DaemonSet") {
    if (options.ignoreDaemonsets === true) return [];
    return [`${name} belongs to a DaemonSet (--ignore-daemonsets leaves it)`];
  }
  const found: string[] = [];
  if (controller === undefined && options.force !== true) {
    found.push(`${name} has no controller and would be gone for good (--force)`);
  }
  const hasEmptyDir = (pod.spec.volumes ?? []).some((volume) => volume.emptyDir !== undefined);
  if (hasEmptyDir && options.deleteEmptydirData !== true) {
    found.push(`${name} has an emptyDir volume whose data would be lost (--delete-emptydir-data)`);
  }
  return found;
}

function isFinished(pod: Pod): boolean {
  return pod.status.phase === "Succeeded" || pod.status.phase === "Failed";
}

async function evict(
  session: Session,
  pod: Pod,
  options: DrainOptions,
  deadlineMs: number,
): Promise<void> {
  const { name, namespace = "", uid } = pod.metadata;
  session.terminal.out(`evicting pod ${namespace}/${name}\n`);
  const grace = options.gracePeriod;
  const body = {
    apiVersion: "policy/v1",
    kind: "Eviction",
    metadata: { name, namespace },
    ...(grace === undefined ? {} : { deleteOptions: { gracePeriodSeconds: grace } }),
  };
  const path = pathOf({ resource: pods, namespace, name });
  for (;;) {
    try {
      await session.connection.json(`${path}/eviction`, { method: "POST", body });
      break;
    } catch (error) {
      if (StatusError.is(error, "NotFound")) return;
      if (!StatusError.is(error, "TooManyRequests")) throw error;
      // The message is the same for all; the cause names the budget and its numbers.
      const why = error.details?.causes?.[0]?.message ?? error.message;
      checkTime(session, deadlineMs, `${namespace}/${name}: ${why}`);
      session.terminal.error(`${namespace}/${name}: ${why}; trying again in 5 s\n`);
      await sleep(session.clock, EVICTION_RETRY_MS, session.signal);
    }
  }
  while (await isThere(session, path, uid)) {
    checkTime(session, deadlineMs, `${namespace}/${name} is still there`);
    await sleep(session.clock, GONE_POLL_MS, session.signal);
  }
}

async function isThere(session: Session, path: string, uid: string): Promise<boolean> {
  try {
    const pod = await session.connection.json<Pod>(path);
    return pod.metadata.uid === uid;
  } catch (error) {
    if (StatusError.is(error, "NotFound")) return false;
    throw error;
  }
}

function checkTime(session: Session, deadlineMs: number, what: string): void {
  if (session.signal.aborted) throw new UserError("drain was cancelled; the node stays cordoned");
  if (session.clock.monotonicMs() > deadlineMs) throw new UserError(`timed out: ${what}`);
}
