import { StatusError } from "#lib/status-error";
import type { Predicate } from "../chain/selection.ts";
import type { PublishedEvent } from "../chain/steps.ts";
import type { Interest } from "./interest.ts";
import type { Transition } from "./transition.ts";

/** A client that reads so slowly is better off with a new list. */
export const WAITING_MAX = 10_000;
/** So many are handed over within the turn, so that a burst does not count as slowness of the client. */
const GATHERED_MAX = 256;

export interface WatcherOptions {
  /** Keys that do not start so are none of its business. */
  readonly prefix: string;
  readonly interest: Interest;
  readonly wanted: Predicate | undefined;
  readonly wantsBookmarks: boolean;
  readonly gathers: boolean;
}

interface Reader {
  readonly resolve: (batch: readonly PublishedEvent[] | undefined) => void;
  readonly reject: (why: StatusError) => void;
}

/** One watch: what it wants, and what it has not read yet. It never holds up anybody else. */
export class Watcher {
  readonly interest: Interest;
  readonly wantsBookmarks: boolean;
  readonly #gathers: boolean;
  readonly #prefix: string;
  readonly #wanted: Predicate | undefined;
  #waiting: PublishedEvent[] = [];
  /** Who waits for the next batch. */
  #reader: Reader | undefined;
  #isDue = false;
  #ended: StatusError | "quietly" | undefined;

  constructor(options: WatcherOptions) {
    this.interest = options.interest;
    this.wantsBookmarks = options.wantsBookmarks;
    this.#gathers = options.gathers;
    this.#prefix = options.prefix;
    this.#wanted = options.wanted;
  }

  offer(transition: Transition): void {
    if (this.#ended !== undefined || !transition.key.startsWith(this.#prefix)) return;
    const event = transition.eventFor(this.#wanted);
    if (event !== undefined) this.push(event);
  }

  push(event: PublishedEvent): void {
    if (this.#ended !== undefined) return;
    if (this.#waiting.length >= WAITING_MAX) {
      this.#waiting = [];
      this.end(new StatusError("Expired", "the watch is too far behind; list and watch again"));
      return;
    }
    this.#waiting.push(event);
    this.#deliverSoon();
  }

  end(why: StatusError | "quietly"): void {
    this.#ended ??= why;
    this.#deliver();
  }

  /** All that has come and was not read; waits while there is nothing. Undefined at the end, rejects when that was forced. */
  next(): Promise<readonly PublishedEvent[] | undefined> {
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      this.#deliver();
    });
  }

  #deliverSoon(): void {
    if (this.#reader === undefined) return;
    if (!this.#gathers || this.#waiting.length >= GATHERED_MAX) this.#deliver();
    if (this.#isDue || this.#reader === undefined) return;
    this.#isDue = true;
    process.nextTick(() => {
      this.#isDue = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    if (this.#ended !== "quietly" && this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      this.#reader = undefined;
      reader.resolve(batch);
    } else if (this.#ended !== undefined) {
      this.#reader = undefined;
      if (this.#ended === "quietly") reader.resolve(undefined);
      else reader.reject(this.#ended);
    }
  }
}
