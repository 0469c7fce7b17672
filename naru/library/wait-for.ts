import type { Client, ObjectKey, WatchEvent } from "#client";
import type { Clock } from "#lib/clock";
import type { ApiObject } from "#proto";
import type { Resource } from "#resources";

export interface WaitOptions<T extends ApiObject> {
  readonly client: Client;
  readonly clock: Clock;
  readonly resource: Resource<T>;
  readonly key: ObjectKey;
  /** Given the object as it is now, undefined while it is not there. */
  readonly holds: (object: T | undefined) => boolean;
  readonly timeoutMs: number;
  /** Ends the wait with an error, as when the cluster is stopped. */
  readonly signal: AbortSignal;
}

/** Follows one object until the condition holds; gives the object as it is then. Rejects when the time is over. */
export async function waitForObject<T extends ApiObject>(
  options: WaitOptions<T>,
): Promise<T | undefined> {
  const { clock, holds, signal, timeoutMs } = options;
  const timeout = new AbortController();
  const cancel = clock.after(timeoutMs, () => timeout.abort());
  let last: T | undefined;
  try {
    for await (const event of events(options, AbortSignal.any([signal, timeout.signal]))) {
      if (event.type === "BOOKMARK" && !event.initialEventsEnd) continue;
      // The mark that ends the initial events says nothing about an object that was among them.
      if (event.type !== "BOOKMARK") last = event.type === "DELETED" ? undefined : event.object;
      if (holds(last)) return last;
    }
  } finally {
    cancel();
  }
  const { resource, key } = options;
  const what = `${resource.plural} ${key.namespace === undefined ? "" : `${key.namespace}/`}${key.name}`;
  const why = timeout.signal.aborted
    ? `waited ${timeoutMs} ms`
    : "the cluster stopped while waiting";
  throw new Error(`${why} for ${what}; last seen: ${seen(last)}`);
}

function events<T extends ApiObject>(
  { client, key, resource }: WaitOptions<T>,
  signal: AbortSignal,
): AsyncIterable<WatchEvent<T>> {
  const scope = key.namespace === undefined ? {} : { namespace: key.namespace };
  const options = {
    fieldSelector: `metadata.name=${key.name}`,
    sendInitialEvents: true,
    resourceVersionMatch: "NotOlderThan",
    allowBookmarks: true,
  } as const;
  return client.watch(resource, scope, options, signal);
}

/** The part that conditions are about, short enough for one line of an error. */
const SEEN_LENGTH_MAX = 2000;

function seen(object: ApiObject | undefined): string {
  if (object === undefined) return "nothing";
  const { status } = object as { readonly status?: unknown };
  return JSON.stringify(status ?? object).slice(0, SEEN_LENGTH_MAX);
}
