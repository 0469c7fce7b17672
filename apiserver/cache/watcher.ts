import { StatusError } from "#lib/status-error";
import type { Predicate } from "../chain/selection.ts";
import type { PublishedEvent } from "../chain/steps.ts";
import type { Transition } from "./transition.ts";

/** A client that reads so slowly is better off with a new list. */
const WAITING_MAX = 10_000;

/** One watch: what it wants, and what it has not read yet. It never holds up anybody else. */
export class Watcher {
  readonly prefix: string;
  readonly wanted: Predicate | undefined;
  readonly wantsBookmarks: boolean;
  #waiting: PublishedEvent[] = [];
  #wake: () => void = () => {};
  #ended: StatusError | "quietly" | undefined;

  constructor(prefix: string, wanted: Predicate | undefined, wantsBookmarks: boolean) {
    this.prefix = prefix;
    this.wanted = wanted;
    this.wantsBookmarks = wantsBookmarks;
  }

  offer(transition: Transition): void {
    if (!transition.key.startsWith(this.prefix)) return;
    const event = transition.eventFor(this.wanted);
    if (event !== undefined) this.push(event);
  }

  push(event: PublishedEvent): void {
    if (this.#ended !== undefined) return;
    if (this.#waiting.length >= WAITING_MAX) {
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
      if (this.#waiting.length > 0) {
        const batch = this.#waiting;
        this.#waiting = [];
        yield batch;
        continue;
      }
      if (this.#ended === "quietly") return;
      if (this.#ended !== undefined) throw this.#ended;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
