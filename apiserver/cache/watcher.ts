import { StatusError } from "#lib/status-error";
import type { Predicate } from "../chain/selection.ts";
import type { PublishedEvent } from "../chain/steps.ts";
import type { Interest } from "./interest.ts";
import type { Transition } from "./transition.ts";

/** A client that reads so slowly is better off with a new list. */
export const WAITING_MAX = 10_000;

export interface WatcherOptions {
  /** Keys that do not start so are none of its business. */
  readonly prefix: string;
  readonly interest: Interest;
  readonly wanted: Predicate | undefined;
  readonly wantsBookmarks: boolean;
}

/** One watch: what it wants, and what it has not read yet. It never holds up anybody else. */
export class Watcher {
  readonly interest: Interest;
  readonly wantsBookmarks: boolean;
  readonly #prefix: string;
  readonly #wanted: Predicate | undefined;
  #waiting: PublishedEvent[] = [];
  #wake: () => void = () => {};
  #ended: StatusError | "quietly" | undefined;

  constructor(options: WatcherOptions) {
    this.interest = options.interest;
    this.wantsBookmarks = options.wantsBookmarks;
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
    this.#wake();
  }

  end(why: StatusError | "quietly"): void {
    this.#ended ??= why;
    this.#wake();
  }

  /** All that has come, in batches, until it ends. */
  async *batches(): AsyncGenerator<readonly PublishedEvent[]> {
    for (;;) {
      if (this.#ended === "quietly") return;
      if (this.#waiting.length > 0) {
        const batch = this.#waiting;
        this.#waiting = [];
        yield batch;
        continue;
      }
      if (this.#ended !== undefined) throw this.#ended;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
