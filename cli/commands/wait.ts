import type { JsonObject, JsonValue } from "#lib/json";
import { evaluatePath } from "#lib/jsonpath";
import { StatusError } from "#lib/status-error";
import type { Resource } from "#resources";
import { pathOf } from "../connection/path.ts";
import { watch } from "../connection/watch.ts";
import type { Session } from "../session.ts";
import { UserError } from "../terminal.ts";
import { seconds } from "./logs.ts";

export interface WaitOptions {
  readonly for: string;
  readonly timeout?: string;
  readonly selector?: string;
  readonly all?: boolean;
}

/** What `--for` may say. */
type Goal =
  | { readonly kind: "create" | "delete" }
  | { readonly kind: "condition"; readonly type: string; readonly status: string }
  | { readonly kind: "jsonpath"; readonly path: string; readonly value: string | undefined };

const DEFAULT_TIMEOUT = "30s";

/** Waits until each object is as wanted. */
export async function wait(
  session: Session,
  words: readonly string[],
  options: WaitOptions,
): Promise<void> {
  const goal = parseGoal(options.for);
  const timeout = options.timeout ?? DEFAULT_TIMEOUT;
  const controller = new AbortController();
  const stop = session.clock.after(seconds(timeout) * 1000, () => controller.abort());
  const signal = AbortSignal.any([session.signal, controller.signal]);
  try {
    for (const { resource, name } of await named(session, words, options, goal)) {
      const reached = await reach(session, { resource, name, goal, signal });
      const what = `${resource.singular}/${name}`;
      if (!reached)
        throw new UserError(`timed out after ${timeout} waiting for ${options.for} on ${what}`);
      session.terminal.out(`${what} ${goal.kind === "delete" ? "deleted" : "condition met"}\n`);
    }
  } finally {
    stop();
  }
}

interface Named {
  readonly resource: Resource;
  readonly name: string;
}

async function named(
  session: Session,
  words: readonly string[],
  options: WaitOptions,
  goal: Goal,
): Promise<readonly Named[]> {
  const found: Named[] = [];
  for (const { resource, name } of await session.objectArguments(words)) {
    if (name !== undefined) {
      found.push({ resource, name });
      continue;
    }
    if (options.selector === undefined && options.all !== true) {
      throw new UserError(`name the ${resource.plural}, or choose them with -l, or say --all`);
    }
    const path = pathOf({ resource, namespace: session.namespace });
    const query = { labelSelector: options.selector };
    const { items } = await session.connection.json<{
      items: readonly { metadata: { name: string } }[];
    }>(path, { query });
    if (items.length === 0 && goal.kind !== "delete") throw new UserError("no matching objects");
    found.push(...items.map(({ metadata }) => ({ resource, name: metadata.name })));
  }
  return found;
}

async function reach(
  session: Session,
  { resource, name, goal, signal }: Named & { readonly goal: Goal; readonly signal: AbortSignal },
): Promise<boolean> {
  const { namespace } = session;
  const object = await session.connection
    .json<JsonObject>(pathOf({ resource, namespace, name }))
    .catch((error: unknown) => {
      if (!StatusError.is(error, "NotFound")) throw error;
      if (goal.kind === "create" || goal.kind === "delete") return undefined;
      throw error;
    });
  if (isReached(goal, object)) return true;
  const metadata = object?.["metadata"] as { readonly resourceVersion?: string } | undefined;
  const query = {
    fieldSelector: `metadata.name=${name}`,
    resourceVersion: metadata?.resourceVersion,
  };
  const path = pathOf({ resource, namespace });
  for await (const event of watch(session.connection, path, { query, signal })) {
    if (event.type === "BOOKMARK") continue;
    if (isReached(goal, event.type === "DELETED" ? undefined : event.object)) return true;
  }
  return false;
}

function isReached(goal: Goal, object: JsonObject | undefined): boolean {
  if (goal.kind === "delete") return object === undefined;
  if (object === undefined) return false;
  switch (goal.kind) {
    case "create":
      return true;
    case "condition":
      return hasCondition(object, goal.type, goal.status);
    case "jsonpath":
      return evaluatePath(goal.path, object).some(
        (value) => goal.value === undefined || text(value) === goal.value,
      );
  }
}

function hasCondition(object: JsonObject, type: string, status: string): boolean {
  const holder = object["status"] as
    | { readonly conditions?: readonly { type: string; status: string }[] }
    | undefined;
  return (holder?.conditions ?? []).some(
    (each) =>
      each.type.toLowerCase() === type.toLowerCase() &&
      each.status.toLowerCase() === status.toLowerCase(),
  );
}

function text(value: JsonValue): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function parseGoal(text: string): Goal {
  if (text === "delete" || text === "create") return { kind: text };
  const condition = /^condition=([^=]+)(?:=(.+))?$/.exec(text);
  if (condition !== null)
    return { kind: "condition", type: condition[1] ?? "", status: condition[2] ?? "True" };
  const path = /^jsonpath=(\{.*?\})(?:=(.*))?$/.exec(text);
  if (path !== null) return { kind: "jsonpath", path: path[1] ?? "", value: path[2] };
  throw new UserError(
    `--for=${text}: expected condition=Ready, condition=Ready=false, jsonpath='{.status.phase}'=Running, create or delete`,
  );
}
