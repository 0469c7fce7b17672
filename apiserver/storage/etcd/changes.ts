import { InterceptingCall, type Interceptor } from "@grpc/grpc-js";
import type { Etcd3, IWatchResponse } from "etcd3";
import { type Clock, sleep } from "#lib/clock";
import type { Logger } from "#lib/logger";
import { type ChangeBatch, CompactedError } from "../store.ts";
import type { Endpoints } from "./endpoints.ts";
import { toBatches, ZERO } from "./translate.ts";

/** Between two tries to reach an etcd that is gone. */
const RECONNECT_MS = 500;

export interface ChangesDeps {
  readonly endpoints: Endpoints;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * All changes of all keys after a revision, until the signal aborts. A lost connection is taken up again where it ended.
 * etcd's own progress requests are not used: before 3.4.25 their answers may overtake events that are still to come.
 */
export async function* changesAfter(
  deps: ChangesDeps,
  afterRevision: number,
  signal: AbortSignal,
): AsyncGenerator<ChangeBatch, void> {
  const { clock, endpoints, logger } = deps;
  let after = afterRevision;
  let isLost = false;
  while (!signal.aborted) {
    try {
      const client = await endpoints.proven();
      for await (const batch of batches(client, after, signal)) {
        isLost = false;
        after = batch.revision;
        yield batch;
      }
    } catch (error) {
      if (error instanceof CompactedError) throw error;
      // Once, not at each try.
      if (!isLost && !signal.aborted)
        logger.info("etcd: a watch was lost, and is taken up again", { error, after });
      isLost = true;
    }
    if (signal.aborted) return;
    endpoints.suspect();
    await sleep(clock, RECONNECT_MS, signal);
  }
}

/** Until the connection is lost. */
async function* batches(
  client: Etcd3,
  afterRevision: number,
  signal: AbortSignal,
): AsyncGenerator<ChangeBatch, void> {
  for await (const response of responses(client, afterRevision + 1, signal)) {
    for (const batch of batchesOf(response)) if (batch.revision > afterRevision) yield batch;
  }
}

function batchesOf(response: IWatchResponse): ChangeBatch[] {
  if (response.canceled) {
    const compacted = Number(response.compact_revision);
    if (compacted > 0) throw new CompactedError(compacted);
    throw new Error(`etcd ended a watch: ${response.cancel_reason}`);
  }
  // The revision of the first response says nothing about events: they are still to come.
  if (response.created) return [];
  if (response.events.length > 0) return toBatches(response.events);
  return [{ changes: [], revision: Number(response.header.revision) }];
}

interface Responses extends AsyncIterable<IWatchResponse> {
  write(request: unknown): void;
  end(): void;
  cancel(): void;
}

async function* responses(
  client: Etcd3,
  startRevision: number,
  signal: AbortSignal,
): AsyncGenerator<IWatchResponse, void> {
  // A readable stream, which the library's types do not tell: so etcd waits while nobody reads.
  const stream = (await client.watchClient.watch({
    interceptors: [requireLeader],
  })) as unknown as Responses;
  const stop = (): void => {
    // In this order: an error on a stream that is still open would make the library drop its other connections.
    stream.end();
    stream.cancel();
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    if (signal.aborted) return;
    stream.write({
      create_request: {
        key: ZERO,
        range_end: ZERO,
        start_revision: startRevision,
        progress_notify: true,
        prev_kv: true,
      },
    });
    yield* stream;
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}

/** A member that lost its cluster ends the watch then, instead of being silent. */
const requireLeader: Interceptor = (options, nextCall) =>
  new InterceptingCall(nextCall(options), {
    start(metadata, listener, next) {
      metadata.set("hasleader", "true");
      next(metadata, listener);
    },
  });
