import { type Change, type ChangeBatch, CompactedError } from "./store.ts";

/** A watcher that reads slower than this many batches behind is better off starting anew. */
const BACKLOG_BATCHES_MAX = 100_000;

interface Subscriber {
  readonly prefix: string;
  readonly afterRevision: number;
  waiting: ChangeBatch[];
  wake: () => void;
  isOverflowed: boolean;
}

/** The recent changes of a store, and those who follow them. */
export class ChangeFeed {
  readonly #subscribers = new Set<Subscriber>();
  #recent: ChangeBatch[] = [];
  /** Changes after this revision are here. */
  #oldest: number;
  #isClosed = false;

  constructor(oldestRevision: number) {
    this.#oldest = oldestRevision;
  }

  get oldestRevision(): number {
    return this.#oldest;
  }

  get size(): number {
    return this.#recent.length;
  }

  publish(batch: ChangeBatch): void {
    this.#recent.push(batch);
    for (const subscriber of this.#subscribers) offer(subscriber, batch);
  }

  /** Tells everybody that nothing came until this revision. Kept nowhere. */
  progress(revision: number): void {
    for (const subscriber of this.#subscribers) offer(subscriber, { changes: [], revision });
  }

  forget(revision: number): void {
    if (revision <= this.#oldest) return;
    this.#oldest = revision;
    this.#recent = this.#recent.filter((batch) => batch.revision > revision);
  }

  /** Forgets all but the newest batches. */
  keep(batches: number): void {
    const last = this.#recent.at(-batches - 1);
    if (last !== undefined) this.forget(last.revision);
  }

  /** All who follow end, without an error. */
  close(): void {
    this.#isClosed = true;
    for (const subscriber of this.#subscribers) subscriber.wake();
  }

  /** From the moment of this call nothing is missed, however late the first batch is asked for. */
  subscribe(
    prefix: string,
    afterRevision: number,
    signal: AbortSignal,
  ): AsyncGenerator<ChangeBatch, void> {
    if (afterRevision < this.#oldest) throw new CompactedError(this.#oldest);
    const subscriber: Subscriber = {
      prefix,
      afterRevision,
      waiting: [],
      wake: () => {},
      isOverflowed: false,
    };
    for (const batch of this.#recent) offer(subscriber, batch);
    this.#subscribers.add(subscriber);
    return this.#follow(subscriber, signal);
  }

  async *#follow(subscriber: Subscriber, signal: AbortSignal): AsyncGenerator<ChangeBatch, void> {
    const stop = (): void => subscriber.wake();
    signal.addEventListener("abort", stop);
    try {
      while (!signal.aborted && !this.#isClosed) {
        if (subscriber.isOverflowed) throw new CompactedError(this.#oldest);
        const batches = subscriber.waiting;
        subscriber.waiting = [];
        for (const batch of batches) {
          if (signal.aborted) return;
          yield batch;
        }
        if (batches.length === 0) await this.#next(subscriber, signal);
      }
    } finally {
      signal.removeEventListener("abort", stop);
      this.#subscribers.delete(subscriber);
    }
  }

  #next(subscriber: Subscriber, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      subscriber.wake = resolve;
      // What came while the follower was away has called the wake before this one.
      if (subscriber.waiting.length > 0 || signal.aborted || this.#isClosed) resolve();
    });
  }
}

/** Batches without a change below the prefix arrive too, as progress; several of them as one. */
function offer(subscriber: Subscriber, batch: ChangeBatch): void {
  if (batch.revision <= subscriber.afterRevision) return;
  const changes = batch.changes.filter((change) => keyOf(change).startsWith(subscriber.prefix));
  const { waiting } = subscriber;
  if (changes.length === 0 && waiting.at(-1)?.changes.length === 0) waiting.pop();
  if (waiting.length >= BACKLOG_BATCHES_MAX) subscriber.isOverflowed = true;
  else
    waiting.push(
      changes.length === batch.changes.length ? batch : { changes, revision: batch.revision },
    );
  subscriber.wake();
}

function keyOf(change: Change): string {
  return change.kind === "put" ? change.entry.key : change.key;
}
