/**
 * The one thread, shared out. A seat says that a request may be under way; it does not say that the loop is free. When
 * more requests arrive in a turn of the loop than it should work on at once, the others wait, and one is started a turn,
 * so that whoever else sends something is read in between and stands in line with the rest: by priority level in
 * proportion to its seats, and within a level by flow. Refusing takes a turn like everything else: a client that sends
 * its refused requests again at once would have all of the loop otherwise.
 */
import { FairOrder } from "./fair-order.ts";

/** Started in one turn without a wait: as many as a client has under way that is in no hurry. */
const STARTS_MAX = 4;
/** No further one is started in a turn that has taken so long. */
const TURN_MS = 1;

export interface Waiting {
  /** By the name of its level. */
  readonly level: string;
  /** How much of the loop the level should have, in any unit. */
  readonly weight: number;
  readonly flow: string;
  /** In units of a small request. */
  readonly cost: number;
  readonly run: () => void;
}

interface Share {
  /** What the level has had, over its weight. */
  used: number;
  readonly order: FairOrder<Waiting>;
}

export class Turns {
  readonly #afterTurn: (callback: () => void) => void;
  readonly #shares = new Map<string, Share>();
  #waiting = 0;
  #virtual = 0;
  #starts = 0;
  #turnStartMs = 0;
  #isTurnSet = false;

  /** `afterTurn` calls back when the loop has looked for input. */
  constructor(afterTurn: (callback: () => void) => void) {
    this.#afterTurn = afterTurn;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** True: whoever asks may go on at once. */
  tryStart(nowMs: number): boolean {
    if (!this.#isTurnSet) this.#setTurn(nowMs);
    if (this.#waiting > 0 || this.#starts >= STARTS_MAX) return false;
    if (nowMs - this.#turnStartMs > TURN_MS) return false;
    this.#starts++;
    return true;
  }

  wait(waiting: Waiting): void {
    const { flow, level } = waiting;
    let share = this.#shares.get(level);
    if (share === undefined) {
      share = { used: this.#virtual, order: new FairOrder() };
      this.#shares.set(level, share);
    } else if (share.order.isEmpty) share.used = Math.max(share.used, this.#virtual);
    share.order.push(flow, waiting, 0);
    this.#waiting++;
    if (!this.#isTurnSet) this.#setTurn(0);
  }

  #setTurn(nowMs: number): void {
    this.#isTurnSet = true;
    this.#starts = 0;
    this.#turnStartMs = nowMs;
    this.#afterTurn(this.#turn);
  }

  readonly #turn = (): void => {
    this.#isTurnSet = false;
    const share = this.#nextShare();
    if (share === undefined) return;
    const next = share.order.peek(0);
    if (next === undefined) return;
    const { cost, run, weight } = next.item;
    share.order.take(next, cost, 0);
    this.#virtual = Math.max(this.#virtual, share.used);
    share.used += cost / weight;
    this.#waiting--;
    if (this.#waiting > 0) this.#setTurn(0);
    else this.#rest();
    // Last: it may ask for a turn itself.
    run();
  };

  #nextShare(): Share | undefined {
    let next: Share | undefined;
    for (const share of this.#shares.values())
      if (!share.order.isEmpty && (next === undefined || share.used < next.used)) next = share;
    return next;
  }

  /** Nobody waits: nobody owes anything. */
  #rest(): void {
    this.#shares.clear();
    this.#virtual = 0;
  }
}
