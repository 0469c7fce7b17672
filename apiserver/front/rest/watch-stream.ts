import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import type { Logger } from "#lib/logger";
import type { PublishedEvent } from "../../chain/steps.ts";
import { publicError, statusOf } from "../status.ts";
import { type Encoding, encodeEvent, jsonLine } from "./encode.ts";
import type { Exchange } from "./respond.ts";

export interface WatchStream {
  readonly exchange: Exchange;
  readonly encoding: () => Encoding;
  readonly events: AsyncIterable<readonly PublishedEvent[]>;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

/** Writes events until they end, the client leaves, or its time is up. */
export async function writeWatch(stream: WatchStream): Promise<void> {
  const { response } = stream.exchange;
  stream.exchange.begin(200, "application/json");
  // The client waits for the head before it believes that it watches.
  flushHead(response);
  try {
    for await (const batch of stream.events) {
      if (stream.signal.aborted || response.destroyed) break;
      await writeBatch(stream, batch);
    }
  } catch (error) {
    const failure = publicError(error);
    if (failure.reason === "InternalError") stream.logger.error("watch failed", { error });
    // The head is out, so the failure travels as an event, as clients expect.
    if (!response.destroyed) response.write(jsonLine("ERROR", statusOf(failure).json));
  }
  response.end();
}

/** HTTP/1.1's answer and HTTP/2's each have their own way. */
function flushHead(response: Http2ServerResponse | ServerResponse): void {
  if ("flushHeaders" in response) response.flushHeaders();
  else if (!response.headersSent) response.writeHead(response.statusCode);
}

async function writeBatch(stream: WatchStream, batch: readonly PublishedEvent[]): Promise<void> {
  const { response } = stream.exchange;
  const encoding = stream.encoding();
  const lines = batch.map((event) => encodeEvent(encoding, event));
  const [first] = lines;
  if (first === undefined) return;
  const bytes = lines.length === 1 ? first : Buffer.concat(lines);
  if (response.write(bytes)) return;
  // A slow client holds up its own watch only. Its leaving ends the wait as well.
  await once(response, "drain", { signal: stream.signal }).catch(() => {});
}
