/**
 * Who is next among flows that all wait for the same thing: the one that has had least of it. What a flow has had is its
 * virtual time, as in start-time fair queueing (Goyal, Vin, Cheng 1996); a flow that was away begins where the others
 * are, so it neither saves up nor forgets. Pure: time comes with each call, in ms of one clock that never jumps back.
 */

/** Flows that have nothing to do are remembered up to so many, in case they come back to spend what they owe. */
const IDLE_LINES_MAX = 1000;

export interface Line<T> {
  readonly key: string;
  readonly waiting: Set<T>;
  /** What the flow has had and given back. */
  used: number;
  /** What it holds now, in seats, and the sum of the times since when, a term for each seat. */
  seats: number;
  sinceMs: number;
}

export interface Next<T> {
  readonly line: Line<T>;
  readonly item: T;
}

export class FairOrder<T> {
  readonly #lines = new Map<string, Line<T>>();
  readonly #backlog = new Set<Line<T>>();
  /** How much those who wait have had at least. */
  #virtual = 0;
  /** Since when somebody waits without a break. While nobody waits, nothing is counted. */
  #busySinceMs: number | undefined;

  get isEmpty(): boolean {
    return this.#backlog.size === 0;
  }

  get flows(): number {
    return this.#lines.size;
  }

  push(key: string, item: T, nowMs: number): void {
    if (this.#busySinceMs === undefined) this.#begin(nowMs);
    const line = this.#lineOf(key);
    line.waiting.add(item);
    this.#backlog.add(line);
  }

  /** For one that waits no longer. False if it did not wait. */
  delete(key: string, item: T): boolean {
    const line = this.#lines.get(key);
    if (line?.waiting.delete(item) !== true) return false;
    this.#settle(line);
    return true;
  }

  /** Who is next; stays where it is. */
  peek(nowMs: number): Next<T> | undefined {
    let next: Line<T> | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const line of this.#backlog) {
      const time = virtualTime(line, nowMs);
      if (time >= least) continue;
      least = time;
      next = line;
    }
    if (next === undefined) return undefined;
    for (const item of next.waiting) return { line: next, item };
    return undefined;
  }

  /** Takes who is next out, and charges its flow. */
  take({ item, line }: Next<T>, cost: number, nowMs: number): void {
    this.#virtual = Math.max(this.#virtual, virtualTime(line, nowMs));
    line.used += cost;
    line.waiting.delete(item);
    this.#settle(line);
  }

  /** From now on the flow's time runs by so many seats. */
  hold(key: string, seats: number, nowMs: number): void {
    const line = this.#lineOf(key);
    line.seats += seats;
    line.sinceMs += seats * nowMs;
  }

  /** The end of a hold that began at `sinceMs`. */
  release(key: string, seats: number, sinceMs: number, nowMs: number): void {
    const line = this.#lines.get(key);
    if (line === undefined) return;
    const countedMs = Math.max(sinceMs, this.#busySinceMs ?? nowMs);
    line.seats -= seats;
    line.sinceMs -= seats * countedMs;
    line.used += seats * (nowMs - countedMs);
    this.#settle(line);
  }

  *waiting(): Generator<Next<T>> {
    for (const line of this.#backlog) for (const item of line.waiting) yield { line, item };
  }

  /** What was had while everybody got what he asked for took nothing from anybody. */
  #begin(nowMs: number): void {
    this.#busySinceMs = nowMs;
    this.#virtual = 0;
    for (const line of this.#lines.values()) {
      line.used = 0;
      line.sinceMs = line.seats * nowMs;
    }
  }

  #lineOf(key: string): Line<T> {
    const known = this.#lines.get(key);
    if (known !== undefined) {
      if (isIdle(known)) known.used = Math.max(known.used, this.#virtual);
      return known;
    }
    const line = { key, waiting: new Set<T>(), used: this.#virtual, seats: 0, sinceMs: 0 };
    this.#lines.set(key, line);
    return line;
  }

  #settle(line: Line<T>): void {
    if (line.waiting.size === 0) this.#backlog.delete(line);
    if (this.#backlog.size > 0) {
      if (this.#lines.size > IDLE_LINES_MAX + this.#backlog.size) this.#forget();
      return;
    }
    if (this.#busySinceMs !== undefined) {
      this.#busySinceMs = undefined;
      for (const each of this.#lines.values()) if (isIdle(each)) this.#lines.delete(each.key);
    } else if (isIdle(line)) this.#lines.delete(line.key);
  }

  /** First of all those who owe nothing. */
  #forget(): void {
    const idle = [...this.#lines.values()].filter(isIdle);
    const owing = idle.filter((line) => line.used > this.#virtual);
    const gone = owing.length > IDLE_LINES_MAX / 2 ? idle : idle.filter((l) => !owing.includes(l));
    for (const { key } of gone) this.#lines.delete(key);
  }
}

function virtualTime<T>({ seats, sinceMs, used }: Line<T>, nowMs: number): number {
  return used + seats * nowMs - sinceMs;
}

function isIdle<T>({ seats, waiting }: Line<T>): boolean {
  return seats === 0 && waiting.size === 0;
}
