/** An answer of any length: made, packed and sent in slices, so that neither the loop nor the memory is filled by it. */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createGzip } from "node:zlib";
import { indented } from "./indent.ts";
import { JSON_TYPE, type MediaType } from "./media-type.ts";
import { OngoingBody, Part } from "./ongoing-body.ts";
import type { Exchange } from "./respond.ts";

/** Putting together and encrypting a slice takes half a millisecond; smaller ones cost more in all. */
const SLICE_BYTES = 512 * 1024;

export interface LongAnswer {
  readonly exchange: Exchange;
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal;
}

/** Answers 200. Resolves when all is sent, or the client has left. */
export async function answerLong(
  answer: LongAnswer,
  type: MediaType,
  pieces: Iterable<Buffer>,
): Promise<void> {
  const { exchange } = answer;
  const isForPeople = type === JSON_TYPE && exchange.isForPeople;
  const parts = sliced(isForPeople ? indented(pieces) : pieces);
  const first = parts.next().value ?? new Part([]);
  if (first.length < SLICE_BYTES) return exchange.answer({ code: 200, type, body: first.bytes });
  if (exchange.isOver) return;
  try {
    await (exchange.takesGzip ? pack : send)(answer, type, joined(first, parts));
  } catch (error) {
    // Half a list must not look like a whole one.
    exchange.response.destroy();
    if (!answer.signal.aborted) throw error;
  }
}

async function send(
  { exchange, signal }: LongAnswer,
  type: MediaType,
  parts: Iterable<Part>,
): Promise<void> {
  exchange.begin(200, type);
  const body = new OngoingBody(exchange.response, signal);
  for (const part of parts) {
    if (body.isOver) return;
    await body.write(part);
    exchange.bytes += part.length;
    // A quick client makes no waits: others have their turn all the same.
    await new Promise(setImmediate);
  }
  body.end();
}

async function pack(
  { exchange, signal }: LongAnswer,
  type: MediaType,
  parts: Iterable<Part>,
): Promise<void> {
  exchange.begin(200, type, { "content-encoding": "gzip" });
  const gzip = createGzip({ level: constants.Z_BEST_SPEED });
  const bytes = Readable.from(bytesOf(parts), { highWaterMark: 1 });
  await pipeline(bytes, gzip, exchange.response, { signal });
}

/** All but the last are at least as long as a slice. */
function* sliced(pieces: Iterable<Buffer>): Generator<Part, undefined> {
  let held: Buffer[] = [];
  let length = 0;
  for (const piece of pieces) {
    held.push(piece);
    length += piece.length;
    if (length < SLICE_BYTES) continue;
    yield new Part(held);
    held = [];
    length = 0;
  }
  if (length > 0) yield new Part(held);
  return undefined;
}

function* joined(first: Part, rest: Iterable<Part>): Generator<Part> {
  yield first;
  yield* rest;
}

function* bytesOf(parts: Iterable<Part>): Generator<Buffer> {
  for (const part of parts) yield part.bytes;
}
