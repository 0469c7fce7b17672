import { authorize, ofSelected } from "./authorize.ts";
import { scopeOf } from "./list.ts";
import { parseRevision } from "./revision.ts";
import { selectionOf } from "./selection.ts";
import type { Call, PublishedEvent, Steps, WatchQuery } from "./steps.ts";

export type Watching = Omit<WatchQuery, "resource" | "namespace">;

/** Resolves when the watch is allowed; the events come until the signal aborts. */
export async function watch(
  steps: Steps,
  call: Call,
  watching: Watching,
  signal: AbortSignal,
): Promise<AsyncIterable<readonly PublishedEvent[]>> {
  const { fieldSelector } = watching;
  await authorize(steps, ofSelected(call, fieldSelector), "watch", fieldSelector);
  // Refused here, before an answer begins, and not by its first event.
  parseRevision(watching.resourceVersion);
  selectionOf({ ...watching, resource: call.resource });
  call.audit?.started(200);
  return steps.reader.watch({ ...watching, ...scopeOf(call) }, signal);
}
