import { once } from "node:events";
import type { ServerWritableStream } from "@grpc/grpc-js";
import type { Resource } from "#resources";
import type { ApiWatchRequest, ApiWatchResponse, WatchEvent } from "#services/api";
import type { Call, PublishedEvent, Steps } from "../../chain/steps.ts";
import { watch } from "../../chain/watch.ts";
import { present } from "./decode.ts";
import { envelopeOf } from "./envelope.ts";

export interface WatchCall {
  readonly steps: Steps;
  readonly call: Call;
  readonly stream: ServerWritableStream<ApiWatchRequest, ApiWatchResponse>;
  readonly closing: AbortSignal;
  /** Called when it has begun. */
  readonly started: () => void;
}

/** Writes events until they end, the client cancels, or its time is up. */
export async function writeWatch(watching: WatchCall): Promise<void> {
  const { call, closing, started, steps, stream } = watching;
  const { request } = stream;
  const leaving = new AbortController();
  stream.once("cancelled", () => leaving.abort());
  const cancel =
    request.timeoutSeconds > 0
      ? steps.clock.after(request.timeoutSeconds * 1000, () => leaving.abort())
      : undefined;
  const signal = AbortSignal.any([leaving.signal, closing]);
  try {
    const options = {
      ...present("labelSelector", request.labelSelector),
      ...present("fieldSelector", request.fieldSelector),
      ...present("resourceVersion", request.resourceVersion),
      allowBookmarks: request.allowBookmarks,
      sendInitialEvents: request.sendInitialEvents,
      gathers: true,
      started,
    };
    for await (const batch of await watch(steps, call, options, signal)) {
      if (signal.aborted) break;
      const events = batch.map((event) => encodeEvent(call.resource, event));
      if (!stream.write({ events })) await once(stream, "drain", { signal }).catch(() => {});
    }
    stream.end();
  } finally {
    cancel?.();
  }
}

/** Shared by all watchers of one change. */
const encoded = new WeakMap<PublishedEvent, WatchEvent>();

function encodeEvent(resource: Resource, event: PublishedEvent): WatchEvent {
  const known = encoded.get(event);
  if (known !== undefined) return known;
  const made = { event: messageOf(resource, event) };
  encoded.set(event, made);
  return made;
}

function messageOf(resource: Resource, event: PublishedEvent): NonNullable<WatchEvent["event"]> {
  switch (event.type) {
    case "ADDED":
      return { $case: "added", value: envelopeOf(resource, event.object) };
    case "MODIFIED":
      return { $case: "modified", value: envelopeOf(resource, event.object) };
    case "DELETED":
      return { $case: "deleted", value: envelopeOf(resource, event.object) };
    case "BOOKMARK": {
      const { revision, initialEventsEnd } = event;
      const value = { resourceVersion: String(revision), initialEventsEnd };
      return { $case: "bookmark", value };
    }
  }
}
