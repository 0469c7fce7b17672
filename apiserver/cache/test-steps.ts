/** The words in which the cache's tests are told. */
import assert from "node:assert/strict";
import { it } from "node:test";
import type { JsonObject } from "#lib/json";
import { pods, type Resource } from "#resources";
import type { Published } from "../chain/published.ts";
import type { PublishedEvent, WatchQuery } from "../chain/steps.ts";
import { MemoryStore } from "../storage/memory/memory-store.ts";
import { TestClock } from "../storage/test-clock.ts";
import { CachedObjects } from "./cached-objects.ts";

export interface Setting {
  readonly clock: TestClock;
  readonly store: MemoryStore;
  readonly objects: CachedObjects;
}

export function withCache(title: string, step: (setting: Setting) => Promise<void>): void {
  it(title, { timeout: 30_000 }, async () => {
    const clock = new TestClock();
    const store = new MemoryStore(clock);
    const objects = await CachedObjects.open(store, clock);
    try {
      await step({ clock, store, objects });
    } finally {
      objects.close();
      await store.close();
    }
  });
}

interface PodLike {
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly nodeName?: string;
}

export function pod(name: string, { namespace = "default", labels = {}, nodeName }: PodLike = {}) {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels },
    spec: nodeName === undefined ? {} : { nodeName },
  };
}

export async function put(
  objects: CachedObjects,
  object: JsonObject,
  resource: Resource = pods,
): Promise<Published> {
  const { name, namespace } = object["metadata"] as { name: string; namespace?: string };
  const before = await objects.get(resource, namespace, name);
  const ifRevision = before?.revision ?? 0;
  const result = await objects.commit([
    { kind: "put", resource, object, managedFields: [], ifRevision },
  ]);
  assert.ok(result.ok);
  const [published] = result.published;
  assert.ok(published);
  return published;
}

export async function remove(
  objects: CachedObjects,
  name: string,
  namespace = "default",
): Promise<void> {
  const published = await objects.get(pods, namespace, name);
  assert.ok(published);
  const result = await objects.commit([{ kind: "delete", published, resource: pods }]);
  assert.ok(result.ok);
}

export function names(items: readonly Published[]): string {
  return items.map(({ key }) => key.split("/").slice(4).join("/")).join(" ");
}

/** Reads a watch into a list until it is stopped or ends. */
export function follow(
  objects: CachedObjects,
  query: Omit<WatchQuery, "resource">,
  resource = pods,
) {
  const stopping = new AbortController();
  const events: PublishedEvent[] = [];
  const read = async (): Promise<void> => {
    for await (const batch of objects.watch({ ...query, resource }, stopping.signal))
      events.push(...batch);
  };
  const ended = read();
  ended.catch(() => {}); // Whoever awaits it sees it.
  const told = (): string => events.map(describeEvent).join(" ");
  const stop = (): Promise<void> => {
    stopping.abort();
    return ended;
  };
  return { events, ended, told, stop };
}

export function describeEvent(event: PublishedEvent): string {
  if (event.type !== "BOOKMARK")
    return `${event.type} ${event.object.object.metadata.name}@${event.object.revision}`;
  return event.initialEventsEnd ? "INITIAL-END" : `BOOKMARK@${event.revision}`;
}

export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}
