import type { Logger } from "#lib/logger";
import type { Counter } from "#lib/metrics";
import type { PublishedEvent } from "../../chain/steps.ts";
import { publicError, statusOf } from "../status.ts";
import { encodeError, encodeEvents } from "./encode-events.ts";
import type { Encoding } from "./forms.ts";
import { JSON_TYPE } from "./media-type.ts";
import { OngoingBody } from "./ongoing-body.ts";
import type { Exchange } from "./respond.ts";
import type { WatchPace } from "./watch-pace.ts";

export interface WatchStream {
  readonly exchange: Exchange;
  readonly encoding: () => Encoding;
  readonly events: AsyncIterable<readonly PublishedEvent[]>;
  readonly pace: WatchPace;
  /** Of the events that were sent. */
  readonly counter: Counter;
  /** Ends the events too. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

/** Writes events until they end, the client leaves, or its time is up. */
export async function writeWatch(stream: WatchStream): Promise<void> {
  const { counter, encoding, events, exchange, logger, pace, signal } = stream;
  const { type } = encoding().representation;
  exchange.begin(200, type === JSON_TYPE ? type : `${type};stream=watch`);
  const body = new OngoingBody(exchange.response, signal);
  try {
    for await (const batch of events) {
      if (body.isOver) break;
      // A slow client holds up its own watch only.
      await body.write(encodeEvents(encoding(), batch));
      counter.add(batch.length);
      await pace.rest();
    }
    body.end();
  } catch (error) {
    const failure = publicError(error);
    if (failure.reason === "InternalError") logger.error("watch failed", { error });
    // The head is out, so the failure travels as an event, as clients expect.
    if (!body.isOver) body.end(encodeError(type, statusOf(failure).json));
  }
}
