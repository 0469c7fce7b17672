/** Tries the resizes of a node's pods again, the first in order first, whenever there may be more room. */
import type { Pod } from "#proto/core/v1";
import { inResizeOrder } from "./order.ts";

export interface ResizablePod {
  readonly wantsResize: boolean;
  readonly currentPod: Pod;
  readonly allocatedPod: Pod;
  tryResize(): void;
}

export class WaitingResizes {
  readonly #all: () => Iterable<ResizablePod>;
  #hasBegun = false;
  #isScheduled = false;

  constructor(all: () => Iterable<ResizablePod>) {
    this.#all = all;
  }

  /** All pods of the node are known: before, there would seem to be more room than there is. */
  begin(): void {
    this.#hasBegun = true;
    this.retry();
  }

  /** Soon, once for all who ask in this turn. */
  retry(): void {
    if (this.#isScheduled || !this.#hasBegun) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      const waiting = [...this.#all()].filter((each) => each.wantsResize);
      const keyed = waiting.map((worker) => ({
        worker,
        pod: worker.currentPod,
        given: worker.allocatedPod,
      }));
      for (const { worker } of inResizeOrder(keyed)) worker.tryResize();
    });
  }
}
