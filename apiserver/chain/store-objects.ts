/** Reads and writes objects straight in the store: correct, and without a cache's speed. */
import { StatusError } from "#lib/status-error";
import type { Resource } from "#resources";
import {
  type Change,
  type ChangeBatch,
  CompactedError,
  StorageFullError,
  type Store,
  type Write,
  type WriteResult,
} from "../storage/store.ts";
import { keyOf, prefixOf } from "./keys.ts";
import { metaOf } from "./object-meta.ts";
import { encodeForStore, Published } from "./published.ts";
import { type Predicate, selectionOf } from "./selection.ts";
import type {
  Commit,
  CommitResult,
  ListQuery,
  PublishedEvent,
  PublishedList,
  Reader,
  WatchQuery,
  Writer,
} from "./steps.ts";

/** Events are for now, not for ever. */
const EVENT_TTL_SECONDS = 3600;

export class StoreObjects implements Reader, Writer {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async get(resource: Resource, namespace: string | undefined, name: string) {
    const entry = await this.#store.get(keyOf(resource, namespace, name));
    return entry && new Published(entry.key, entry.modRevision, entry.value);
  }

  known(): undefined {
    return undefined;
  }

  async list(query: ListQuery): Promise<PublishedList> {
    const prefix = prefixOf(query.resource, query.namespace);
    const from = query.continue === undefined ? undefined : parseContinue(query.continue, prefix);
    const { entries, revision } = await this.#range(prefix, from);
    const wanted = selectionOf(query);
    const all = entries.map((e) => new Published(e.key, e.modRevision, e.value));
    const selected = wanted === undefined ? all : all.filter((p) => wanted(p.object));
    const limit = query.limit ?? 0;
    if (limit === 0 || selected.length <= limit) return { items: selected, revision };
    const items = selected.slice(0, limit);
    const token = StoreObjects.continueAfter(revision, items.at(-1)?.key ?? "");
    return {
      items,
      revision,
      continue: token,
      ...(wanted === undefined ? { remainingItemCount: selected.length - limit } : {}),
    };
  }

  /** A token that goes on behind a key, in the state of a revision. */
  static continueAfter(revision: number, key: string): string {
    return makeContinue({ revision, key: `${key}\0` });
  }

  async #range(prefix: string, from: Continue | undefined) {
    try {
      return await this.#store.range(
        prefix,
        from === undefined ? {} : { revision: from.revision, startKey: from.key },
      );
    } catch (error) {
      if (error instanceof CompactedError) throw expired();
      throw error;
    }
  }

  async *watch(query: WatchQuery, signal: AbortSignal): AsyncIterable<readonly PublishedEvent[]> {
    const prefix = prefixOf(query.resource, query.namespace);
    const wanted = selectionOf(query);
    let after = Number(query.resourceVersion ?? 0);
    if (after === 0 || query.sendInitialEvents) {
      const { items, revision } = await this.list({ ...query });
      after = revision;
      yield items.map((object) => ({ type: "ADDED", object }) as const);
      if (query.sendInitialEvents) yield [{ type: "BOOKMARK", revision, initialEventsEnd: true }];
    }
    query.started?.();
    try {
      for await (const batch of this.#store.watch(prefix, after, signal)) {
        const events = eventsOf(batch, wanted);
        if (events.length > 0) yield events;
        else if (query.allowBookmarks && batch.changes.length === 0)
          yield [{ type: "BOOKMARK", revision: batch.revision, initialEventsEnd: false }];
      }
    } catch (error) {
      if (error instanceof CompactedError) throw expired();
      throw error;
    }
  }

  async commit(commits: readonly Commit[]): Promise<CommitResult> {
    const values = commits.map((c) =>
      c.kind === "put" ? encodeForStore(c.object, c.managedFields) : undefined,
    );
    const keys = commits.map((c) => {
      if (c.kind === "delete") return c.published.key;
      const { name = "", namespace } = metaOf(c.object);
      return keyOf(c.resource, namespace, name);
    });
    const result = await this.#write(
      commits.map((c, i) => {
        const key = keys[i] ?? "";
        if (c.kind === "delete")
          return { kind: "delete", key, ifModRevision: c.published.revision };
        const value = values[i] ?? new Uint8Array();
        // Each write anew: one that did not say so would make the event stay for ever.
        const ttl = isEvent(c.resource) ? { ttlSeconds: EVENT_TTL_SECONDS } : {};
        return { kind: "put", key, value, ifModRevision: c.ifRevision, ...ttl };
      }),
    );
    if (!result.ok) return { ok: false, index: result.index, exists: result.current !== undefined };
    const published = commits.map((c, i) => {
      if (c.kind === "delete") return c.published;
      const stored = values[i] ?? new Uint8Array();
      return new Published(keys[i] ?? "", result.revision, stored, c.managedFields);
    });
    return { ok: true, published, revision: result.revision };
  }

  async #write(writes: readonly Write[]): Promise<WriteResult> {
    try {
      return await this.#store.write(writes);
    } catch (error) {
      if (!(error instanceof StorageFullError)) throw error;
      const message = "the datastore's disk is full; free some of it, or delete objects";
      throw new StatusError("ServiceUnavailable", message, { cause: error });
    }
  }
}

function isEvent({ group, plural }: Resource): boolean {
  return plural === "events" && group === "";
}

function eventsOf(batch: ChangeBatch, wanted: Predicate | undefined): PublishedEvent[] {
  return batch.changes.flatMap((change) => {
    const event = eventOf(change, wanted);
    return event === undefined ? [] : [event];
  });
}

/** An object that comes into a selection is ADDED for that watcher, one that leaves it DELETED. */
function eventOf(change: Change, wanted: Predicate | undefined): PublishedEvent | undefined {
  const { previous } = change;
  const before = previous && new Published(previous.key, previous.modRevision, previous.value);
  const isBefore = before !== undefined && (wanted === undefined || wanted(before.object));
  if (change.kind === "put") {
    const { key, modRevision, value } = change.entry;
    const object = new Published(key, modRevision, value);
    const isNow = wanted === undefined || wanted(object.object);
    if (isNow) return { type: isBefore ? "MODIFIED" : "ADDED", object };
    return isBefore ? { type: "DELETED", object } : undefined;
  }
  if (!isBefore || previous === undefined) return undefined;
  // The revision of the deletion, so that a watch can resume after it.
  const object = new Published(previous.key, change.revision, previous.value);
  return { type: "DELETED", object };
}

/** Where a list goes on: at a key, in the state of a revision, or as it is then: `NOW`. */
export interface Continue {
  readonly revision: number;
  readonly key: string;
}

/** Kubernetes' own mark of a token that promises no consistent list. */
export const NOW = -1;

function makeContinue(from: Continue): string {
  return Buffer.from(JSON.stringify({ v: 1, rv: from.revision, start: from.key })).toString(
    "base64url",
  );
}

/** Clients may write what they like into it, so it leads nowhere outside of what is listed. */
export function parseContinue(token: string, prefix: string): Continue {
  try {
    const { rv, start } = JSON.parse(Buffer.from(token, "base64url").toString("utf8"));
    const isRevision = rv === NOW || (Number.isSafeInteger(rv) && rv > 0);
    if (isRevision && typeof start === "string" && start.startsWith(prefix))
      return { revision: rv, key: start };
  } catch {
    // Falls through to the refusal: whatever is wrong with it, it is not a token of ours.
  }
  throw notOurs();
}

export function notOurs(): StatusError {
  return new StatusError("BadRequest", "continue key is not valid");
}

export function expired(): StatusError {
  return new StatusError(
    "Expired",
    "The provided resource version or continue parameter is too old to display a consistent list; start anew without it.",
  );
}

/** The client may start anew, or take the rest as it is now. */
export function expiredPage(key: string): StatusError {
  return new StatusError(
    "Expired",
    "The provided continue parameter is too old to display a consistent list result. Start a new list without it, or go on with the continue token of this answer: the rest is then listed as it is now, and what was made, changed or deleted since the first page may be missing or there twice.",
    { continue: makeContinue({ revision: NOW, key }) },
  );
}
