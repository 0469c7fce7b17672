/** Objects of one kind, kept up to date from the store. What decides about access must never fall behind for good. */
import type { ApiObject } from "#proto";
import type { Resource } from "#resources";
import type { PublishedEvent, Reader } from "../chain/steps.ts";

export interface Followed {
  put(object: ApiObject): void;
  remove(object: ApiObject): void;
  /** Everything is about to be told anew. */
  clear(): void;
}

/** Resolves when everything that existed is told; goes on until the signal aborts. */
export async function follow(
  reader: Reader,
  resource: Resource,
  followed: Followed,
  signal: AbortSignal,
): Promise<void> {
  const revision = await tellAll(reader, resource, followed);
  void keepUp(reader, resource, followed, revision, signal);
}

async function tellAll(reader: Reader, resource: Resource, followed: Followed): Promise<number> {
  const { items, revision } = await reader.list({ resource });
  // In one turn of the loop, so that nobody sees a part.
  followed.clear();
  for (const item of items) followed.put(item.object);
  return revision;
}

async function keepUp(
  reader: Reader,
  resource: Resource,
  followed: Followed,
  from: number,
  signal: AbortSignal,
): Promise<void> {
  let revision = from;
  while (!signal.aborted) {
    try {
      const events = reader.watch({ resource, resourceVersion: String(revision) }, signal);
      for await (const batch of events) for (const event of batch) apply(event, followed);
    } catch {
      // Too slow, and cut off: what was missed is read below.
    }
    if (signal.aborted) return;
    revision = await tellAll(reader, resource, followed).catch(() => revision);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function apply(event: PublishedEvent, followed: Followed): void {
  if (event.type === "BOOKMARK") return;
  if (event.type === "DELETED") followed.remove(event.object.object);
  else followed.put(event.object.object);
}
