/**
 * Sends events to a server outside, in batches, one after the other, so that they arrive in their order. Requests do not
 * wait for it: what finds no room in the buffer, and what the receiver does not take after several tries, is dropped,
 * counted and told.
 */
import { type Clock, sleep } from "#lib/clock";
import type { Logger } from "#lib/logger";
import type { Random } from "#lib/random";
import type { AuditSink } from "../auditor.ts";
import { EventBuffer } from "./buffer.ts";
import type { PostEvents } from "./post-events.ts";
import { type Pace, Throttle } from "./throttle.ts";

/** Kubernetes' flags `--audit-webhook-batch-…`. */
export interface Batching {
  readonly bufferSize: number;
  readonly maxSize: number;
  readonly maxWaitMs: number;
  /** Undefined: as fast as the receiver takes them. */
  readonly throttle: Pace | undefined;
  /** Before the first new try; the next ones wait longer. */
  readonly initialBackoffMs: number;
}

export const DEFAULT_BATCHING: Batching = {
  bufferSize: 10_000,
  maxSize: 400,
  maxWaitMs: 30_000,
  throttle: { qps: 10, burst: 15 },
  initialBackoffMs: 10_000,
};

export interface WebhookSinkOptions {
  readonly post: PostEvents;
  readonly batching: Batching;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Events with whole objects may be large: a receiver that is away must not take the server's memory with it. */
const BUFFER_BYTES_MAX = 64 * 1024 * 1024;
/** Kubernetes' back-off for webhooks. */
const TRIES_MAX = 5;
const BACKOFF_FACTOR = 1.5;
const BACKOFF_JITTER = 0.2;
const POST_MS_MAX = 30_000;
/** What is left when the server ends has to be taken at once. */
const CLOSING_MS_MAX = 5_000;
/** Between two lines of the log about events that were dropped. */
const TELL_MS = 10_000;

export class WebhookSink implements AuditSink {
  readonly name = "webhook";
  readonly #options: WebhookSinkOptions;
  readonly #buffer: EventBuffer;
  readonly #throttle: Throttle | undefined;
  readonly #closing = new AbortController();
  /** Aborts when no more time is left. */
  readonly #giveUp = new AbortController();
  #running: Promise<void> | undefined;
  #full = new AbortController();
  #dropped = 0;
  #untold = 0;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(options: WebhookSinkOptions) {
    const { batching, clock } = options;
    this.#options = options;
    this.#buffer = new EventBuffer({ eventsMax: batching.bufferSize, bytesMax: BUFFER_BYTES_MAX });
    this.#throttle = batching.throttle && new Throttle(batching.throttle, clock);
  }

  get lost(): number {
    return this.#dropped;
  }

  take(line: string): undefined {
    if (!this.#buffer.add(line)) this.#drop(1, "the buffer is full");
    if (this.#buffer.length >= this.#options.batching.maxSize) this.#full.abort();
    this.#running ??= this.#run();
    return undefined;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const cancel = this.#options.clock.after(CLOSING_MS_MAX, () => this.#giveUp.abort());
    await this.#running;
    cancel();
    if (this.#untold > 0) this.#tell("the server ended");
  }

  /** Goes on while there are events; the next one starts it anew. */
  async #run(): Promise<void> {
    const { batching, clock } = this.#options;
    // A promise first: whoever hands over an event must not wait for more than that.
    await Promise.resolve();
    while (this.#buffer.length > 0) {
      const hurried = AbortSignal.any([this.#full.signal, this.#closing.signal]);
      await sleep(clock, batching.maxWaitMs, hurried);
      const waitMs = this.#throttle?.next() ?? 0;
      if (waitMs > 0) await sleep(clock, waitMs, this.#closing.signal);
      await this.#send(this.#buffer.take(batching.maxSize));
      if (this.#buffer.length < batching.maxSize) this.#full = new AbortController();
    }
    this.#running = undefined;
  }

  async #send(lines: readonly string[]): Promise<void> {
    const { batching, clock, random } = this.#options;
    const body = Buffer.from(`${LIST_HEAD}${lines.join(",")}]}`);
    let backoffMs = batching.initialBackoffMs;
    for (let attempt = 1; ; attempt++) {
      if (this.#giveUp.signal.aborted) return this.#drop(lines.length, "the server ended");
      const outcome = await this.#try(body);
      if (outcome.kind === "taken") return;
      const isLast = attempt === TRIES_MAX || outcome.kind === "refused";
      if (isLast || this.#closing.signal.aborted) return this.#drop(lines.length, outcome.why);
      await sleep(
        clock,
        backoffMs * (1 + BACKOFF_JITTER * random.fraction()),
        this.#closing.signal,
      );
      backoffMs *= BACKOFF_FACTOR;
    }
  }

  async #try(body: Buffer): Promise<Outcome> {
    const { clock, post } = this.#options;
    const timeout = new AbortController();
    const cancel = clock.after(POST_MS_MAX, () => timeout.abort());
    try {
      const status = await post(body, AbortSignal.any([timeout.signal, this.#giveUp.signal]));
      return outcomeOf(status);
    } catch (error) {
      const isLate = timeout.signal.aborted;
      const why = isLate ? `no answer within ${POST_MS_MAX} ms` : (error as Error).message;
      return { kind: "failed", why };
    } finally {
      cancel();
    }
  }

  #drop(count: number, why: string): void {
    this.#dropped += count;
    this.#untold += count;
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#toldMs < TELL_MS) return;
    this.#toldMs = nowMs;
    this.#tell(why);
  }

  #tell(why: string): void {
    const fields = { events: this.#untold, sinceStart: this.#dropped, why };
    this.#options.logger.error("audit events for the webhook are dropped", fields);
    this.#untold = 0;
  }
}

const LIST_HEAD = '{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[';

type Outcome =
  | { readonly kind: "taken" }
  /** Another try may go better. */
  | { readonly kind: "failed"; readonly why: string }
  | { readonly kind: "refused"; readonly why: string };

function outcomeOf(status: number): Outcome {
  if (status >= 200 && status < 300) return { kind: "taken" };
  const why = `the receiver answered ${status}`;
  return { kind: status === 429 || status >= 500 ? "failed" : "refused", why };
}
