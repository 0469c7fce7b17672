/** The API for programs in this process: the shape of `client/transport/transport.ts`, without a wire between. */
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { ApiObject } from "#proto";
import type { Resource } from "#resources";
import { audited, auditedWatch } from "../audit/audited-call.ts";
import type { Auditor } from "../audit/auditor.ts";
import { remove } from "./delete.ts";
import { removeCollection } from "./delete-collection.ts";
import type { DeleteOptions } from "./deletion.ts";
import { createAny, getAny, patchAny, updateAny } from "./dispatch.ts";
import { list, type Selection } from "./list.ts";
import type { AnyPatch } from "./patch.ts";
import type { Published } from "./published.ts";
import type { Call, FieldValidation, PublishedEvent, Steps, User } from "./steps.ts";
import { watch } from "./watch.ts";

export interface Target {
  readonly resource: Resource;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

export interface WriteOptions {
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  readonly fieldValidation?: FieldValidation;
}

export interface WatchOptions {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: "NotOlderThan";
  readonly allowBookmarks?: boolean;
  readonly sendInitialEvents?: boolean;
  readonly timeoutSeconds?: number;
}

export interface Core {
  readonly steps: Steps;
  /** Everything done through it is authorized as this user. */
  as(user: User): InProcess;
}

export type InProcess = ReturnType<typeof inProcess>;

/** `auditor` is undefined when nothing is recorded. */
export function makeCore(steps: Steps, auditor: Auditor | undefined): Core {
  return { steps, as: (user) => inProcess(steps, auditor, user) };
}

function inProcess(steps: Steps, auditor: Auditor | undefined, user: User) {
  const call = (target: Target, options: WriteOptions = {}): Call => {
    const { dryRun, fieldManager, fieldValidation } = options;
    return {
      ...target,
      resource: current(steps, target.resource),
      user,
      ...(dryRun === undefined ? {} : { dryRun }),
      ...(fieldManager === undefined ? {} : { fieldManager }),
      ...(fieldValidation === undefined ? {} : { fieldValidation }),
    };
  };
  const run = <T>(verb: string, asked: Call, work: (call: Call) => Promise<T>): Promise<T> =>
    audited(auditor, asked, { verb }, work);
  const objectOf = async (answer: Promise<Published>): Promise<ApiObject> => (await answer).object;
  return {
    get: async (target: Target) =>
      run("get", call(target), (asked) => objectOf(getAny(steps, asked))),
    list: async (target: Target, options: Selection = {}) =>
      run("list", call(target), async (asked) => {
        const { items, revision, ...paging } = await list(steps, asked, options);
        return {
          items: items.map((item) => item.object),
          resourceVersion: String(revision),
          ...paging,
        };
      }),
    watch: (target: Target, options: WatchOptions, signal: AbortSignal) =>
      auditedWatch(auditor, call(target), { verb: "watch" }, (asked) =>
        watchEvents(steps, asked, options, signal),
      ),
    create: async (target: Target, object: JsonObject, options?: WriteOptions) =>
      run("create", call(target, options), (asked) => objectOf(createAny(steps, asked, object))),
    update: async (target: Target, object: JsonObject, options?: WriteOptions) =>
      run("update", call(target, options), (asked) => objectOf(updateAny(steps, asked, object))),
    patch: async (target: Target, change: AnyPatch, options?: WriteOptions) =>
      run("patch", call(target, options), (asked) => objectOf(patchAny(steps, asked, change))),
    delete: async (target: Target, options: DeleteOptions = {}) =>
      run("delete", call(target), async (asked) => {
        const { gone, object } = await remove(steps, asked, options);
        return gone ? undefined : object.object;
      }),
    deleteCollection: async (
      target: Target,
      selection: Selection,
      options: DeleteOptions = {},
    ): Promise<void> =>
      run("deletecollection", call(target), (asked) =>
        removeCollection(steps, asked, selection, options),
      ),
  };
}

/** A program may hold a custom kind's row for longer than the kind stays as it was. */
function current(steps: Steps, { group, version, plural }: Resource): Resource {
  const resource = steps.resources.find(group, version, plural);
  if (resource !== undefined) return resource;
  throw new StatusError("NotFound", "the server could not find the requested resource");
}

async function* watchEvents(steps: Steps, call: Call, options: WatchOptions, signal: AbortSignal) {
  const { timeoutSeconds } = options;
  const timeout = new AbortController();
  const cancel =
    timeoutSeconds === undefined
      ? undefined
      : steps.clock.after(timeoutSeconds * 1000, () => timeout.abort());
  try {
    const either = AbortSignal.any([signal, timeout.signal]);
    for await (const batch of await watch(steps, call, options, either)) {
      for (const event of batch) yield plainEvent(event);
    }
  } finally {
    cancel?.();
  }
}

function plainEvent(event: PublishedEvent) {
  if (event.type !== "BOOKMARK") return { type: event.type, object: event.object.object };
  const { type, revision, initialEventsEnd } = event;
  return { type, resourceVersion: String(revision), initialEventsEnd };
}
