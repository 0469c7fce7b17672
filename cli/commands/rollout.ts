import type { JsonObject, JsonValue } from "#lib/json";
import type { ApiObject } from "#proto";
import type { DaemonSet, Deployment, StatefulSet } from "#proto/apps/v1";
import type { Pod } from "#proto/core/v1";
import { daemonSets, deployments, pods, RESOURCES, type Resource, statefulSets } from "#resources";
import { pathOf } from "../connection/path.ts";
import { watch } from "../connection/watch.ts";
import { LiveLine } from "../print/live-line.ts";
import { formatTable } from "../print/table.ts";
import { formatYaml } from "../print/yaml.ts";
import { parseNamedObjects } from "../resource-arguments.ts";
import type { Session } from "../session.ts";
import { UserError } from "../terminal.ts";
import { seconds } from "./logs.ts";
import { revisionNumbered, revisionsOf, TEMPLATE_HASH } from "./rollout-revisions.ts";
import {
  daemonSetProgress,
  deploymentProgress,
  type Progress,
  statefulSetProgress,
} from "./rollout-status.ts";

const RESTARTED_AT = "kubectl.kubernetes.io/restartedAt";

const ROLLING: readonly Resource[] = [deployments, daemonSets, statefulSets];

export interface StatusOptions {
  readonly watch?: boolean;
  readonly timeout?: string;
}

interface Named {
  readonly resource: Resource;
  readonly name: string;
}

/** Follows a rollout until it is done; throws when it failed or its time is up. */
export async function rolloutStatus(
  session: Session,
  word: string,
  options: StatusOptions,
): Promise<void> {
  const named = oneOf(word);
  using line = new LiveLine(session.terminal);
  using limit = timeLimit(session, options.timeout);
  const progress = await lastProgress(session, named, {
    show: (text) => line.show(text),
    follow: options.watch !== false,
    signal: limit.signal,
  });
  if (limit.isOver())
    throw new UserError(`timed out after ${options.timeout}: ${progress.message}`);
  if (progress.done && progress.failed)
    throw new UserError(await whyStuck(session, named, progress.message));
  line.end(progress.message);
}

interface TimeLimit extends Disposable {
  readonly signal: AbortSignal;
  isOver(): boolean;
}

/** Aborts with the session, or when the time is up; without one it never is. */
function timeLimit(session: Session, timeout: string | undefined): TimeLimit {
  const limitSeconds = timeout === undefined ? 0 : seconds(timeout);
  const controller = new AbortController();
  const cancel =
    limitSeconds === 0
      ? undefined
      : session.clock.after(limitSeconds * 1000, () => controller.abort());
  return {
    signal: AbortSignal.any([session.signal, controller.signal]),
    isOver: () => controller.signal.aborted,
    [Symbol.dispose]: () => cancel?.(),
  };
}

/** The progress as of now, or, followed, as of its end. */
async function lastProgress(
  session: Session,
  { resource, name }: Named,
  options: {
    readonly show: (text: string) => void;
    readonly follow: boolean;
    readonly signal: AbortSignal;
  },
): Promise<Progress> {
  const { namespace } = session;
  const first = await read<ApiObject>(session, { resource, name });
  let progress = progressOf(resource, first);
  options.show(progress.message);
  if (!options.follow || progress.done) return progress;
  const query = {
    fieldSelector: `metadata.name=${name}`,
    resourceVersion: first.metadata.resourceVersion,
  };
  const path = pathOf({ resource, namespace });
  const { signal } = options;
  for await (const event of watch<ApiObject>(session.connection, path, { query, signal })) {
    if (event.type === "DELETED") throw new UserError(`${resource.singular}/${name} was deleted`);
    if (event.type === "BOOKMARK") continue;
    progress = progressOf(resource, event.object);
    if (progress.done) return progress;
    options.show(progress.message);
  }
  return progress;
}

function progressOf(resource: Resource, object: ApiObject): Progress {
  if (resource === daemonSets) return daemonSetProgress(object as DaemonSet);
  return resource === statefulSets
    ? statefulSetProgress(object as StatefulSet)
    : deploymentProgress(object as Deployment);
}

/** The failure with the reason that the newest pods give, so that nobody has to go and look for it. */
async function whyStuck(session: Session, named: Named, message: string): Promise<string> {
  const object = await read<ApiObject>(session, named);
  const { hash } = (await revisionsOf(session, named.resource, object)).at(-1) ?? {};
  if (hash === undefined) return message;
  const path = pathOf({ resource: pods, namespace: session.namespace });
  const query = { labelSelector: `${TEMPLATE_HASH}=${hash}` };
  const { items } = await session.connection.json<{ readonly items: readonly Pod[] }>(path, {
    query,
  });
  const reasons = new Set(items.flatMap(waitingReasons));
  return [message, ...[...reasons].map((reason) => `  ${reason}`)].join("\n");
}

function waitingReasons(pod: Pod): string[] {
  const unscheduled = (pod.status.conditions ?? [])
    .filter((each) => each.type === "PodScheduled" && each.status === "False")
    .map((each) => `pod ${pod.metadata.name}: ${each.message ?? each.reason ?? "not scheduled"}`);
  const waiting = (pod.status.containerStatuses ?? []).flatMap((each) => {
    const { reason, message } = each.state?.waiting ?? {};
    if (reason === undefined)
      return each.ready ? [] : [`container ${each.name}: runs, but is not ready`];
    return [`container ${each.name}: ${reason}${message === undefined ? "" : `: ${message}`}`];
  });
  return [...unscheduled, ...waiting];
}

export async function rolloutHistory(
  session: Session,
  word: string,
  revision: number | undefined,
): Promise<void> {
  const named = oneOf(word);
  const object = await read<ApiObject>(session, named);
  const revisions = await revisionsOf(session, named.resource, object);
  if (revision === undefined) {
    const rows = revisions.map(({ changeCause = "<none>", number }) => [
      String(number),
      changeCause,
    ]);
    const table = formatTable(["REVISION", "CHANGE-CAUSE"], rows);
    session.terminal.out(`${qualified(named)}\n${table}`);
    return;
  }
  const { template } = revisionNumbered(revisions, revision, word);
  session.terminal.out(formatYaml(template as unknown as JsonValue));
}

/** Puts an earlier template back: the previous one, or that of a revision. */
export async function rolloutUndo(
  session: Session,
  word: string,
  toRevision: number | undefined,
): Promise<void> {
  const named = oneOf(word);
  const object = await read<Deployment>(session, named);
  if (object.spec.paused === true) {
    throw new UserError(`${word} is paused; resume it first: naru rollout resume ${word}`);
  }
  const revisions = await revisionsOf(session, named.resource, object);
  const found =
    toRevision === undefined || toRevision === 0
      ? revisions.at(-2)
      : revisionNumbered(revisions, toRevision, word);
  if (found === undefined) throw new UserError(`${word} has no earlier revision to go back to`);
  await session.connection.json(pathOf({ ...named, namespace: session.namespace }), {
    method: "PATCH",
    contentType: "application/json-patch+json",
    body: [
      { op: "replace", path: "/spec/template", value: found.template as unknown as JsonValue },
    ],
  });
  session.terminal.out(`${qualified(named)} rolled back to revision ${found.number}\n`);
}

export async function rolloutRestart(session: Session, words: readonly string[]): Promise<void> {
  const now = new Date(session.clock.nowMs()).toISOString().replace(/\.\d+Z$/, "Z");
  const body = { spec: { template: { metadata: { annotations: { [RESTARTED_AT]: now } } } } };
  for (const word of words) await change(session, oneOf(word), body, "restarted");
}

export async function rolloutPause(session: Session, word: string, paused: boolean): Promise<void> {
  const body = { spec: { paused: paused ? true : null } };
  await change(session, deploymentOf(word), body, paused ? "paused" : "resumed");
}

async function change(
  session: Session,
  named: Named,
  body: JsonObject,
  done: string,
): Promise<void> {
  await session.connection.json(pathOf({ ...named, namespace: session.namespace }), {
    method: "PATCH",
    contentType: "application/strategic-merge-patch+json",
    query: { fieldManager: "naru-rollout" },
    body,
  });
  session.terminal.out(`${qualified(named)} ${done}\n`);
}

function qualified({ name, resource }: Named): string {
  return `${resource.singular}.${resource.group}/${name}`;
}

function read<T>(session: Session, named: Named): Promise<T> {
  return session.connection.json<T>(pathOf({ ...named, namespace: session.namespace }));
}

function oneOf(word: string): Named {
  const [named] = parseNamedObjects([word], deployments, RESOURCES);
  if (named !== undefined && ROLLING.includes(named.resource)) return named;
  throw new UserError(`${word}: only deployments, daemonsets and statefulsets roll out`);
}

function deploymentOf(word: string): Named {
  const named = oneOf(word);
  if (named.resource === deployments) return named;
  throw new UserError(`${word}: this works for deployments only`);
}
