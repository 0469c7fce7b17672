import { type Change, type ChangeBatch, CompactedError } from "../store.ts";

/** A watcher that reads slower than this many batches behind is better off starting anew. */
const BACKLOG_MAX = 100_000;

interface Subscriber {
  readonly prefix: string;
  readonly waiting: ChangeBatch[];
  wake: () => void;
  overflowed: boolean;
}

/** The log of a store's recent changes, and those who follow it. */
export class ChangeFeed {
  readonly #subscribers = new Set<Subscriber>();
  #log: ChangeBatch[] = [];
  #oldest = 1;
  #isClosed = false;

  publish(batch: ChangeBatch): void {
    this.#log.push(batch);
    for (const subscriber of this.#subscribers) offer(subscriber, batch);
  }

  forget(revision: number): void {
    this.#oldest = revision;
    this.#log = this.#log.filter((batch) => batch.revision > revision);
  }

  close(): void {
    this.#isClosed = true;
    for (const subscriber of this.#subscribers) subscriber.wake();
  }

  async *subscribe(
    prefix: string,
    afterRevision: number,
    signal: AbortSignal,
  ): AsyncGenerator<ChangeBatch> {
    if (afterRevision < this.#oldest - 1) throw new CompactedError(this.#oldest);
    const subscriber: Subscriber = { prefix, waiting: [], wake: () => {}, overflowed: false };
    for (const batch of this.#log) if (batch.revision > afterRevision) offer(subscriber, batch);
    this.#subscribers.add(subscriber);
    const stop = (): void => subscriber.wake();
    signal.addEventListener("abort", stop);
    try {
      while (!signal.aborted && !this.#isClosed) {
        if (subscriber.overflowed) throw new CompactedError(this.#oldest);
        const next = subscriber.waiting.shift();
        if (next !== undefined) {
          yield next;
          continue;
        }
        await new Promise<void>((resolve) => {
          subscriber.wake = resolve;
        });
      }
    } finally {
      signal.removeEventListener("abort", stop);
      this.#subscribers.delete(subscriber);
    }
  }
}

/** Batches without a change below the prefix arrive too, as progress; several of them as one. */
function offer(subscriber: Subscriber, batch: ChangeBatch): void {
  const changes = batch.changes.filter((change) => keyOf(change).startsWith(subscriber.prefix));
  const last = subscriber.waiting.at(-1);
  if (changes.length === 0 && last?.changes.length === 0) subscriber.waiting.pop();
  if (subscriber.waiting.length >= BACKLOG_MAX) subscriber.overflowed = true;
  else subscriber.waiting.push({ changes, revision: batch.revision });
  subscriber.wake();
}

function keyOf(change: Change): string {
  return change.kind === "put" ? change.entry.key : change.key;
}
