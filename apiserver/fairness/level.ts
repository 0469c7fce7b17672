/**
 * One priority level: its seats, who has them and who waits for them. It decides nothing by itself about time: whoever
 * calls says what time it is, and takes requests out that have waited too long.
 */
import { Demand } from "./demand.ts";
import { FairOrder } from "./fair-order.ts";
import { dealHand } from "./hand.ts";

/** A request before and while it is served. */
export interface Ticket {
  readonly flow: string;
  /** How many seats it takes. */
  readonly seats: number;
  /** Of its body, which is held as long as it waits. */
  readonly bytes: number;
  /** Which of the level's queues it waits in. */
  queue: number;
  startMs: number;
}

export interface Queuing {
  readonly queues: number;
  readonly handSize: number;
  readonly queueLengthLimit: number;
}

export interface LevelSettings {
  readonly limit: number;
  /** Absent: whoever finds no seat is refused. */
  readonly queuing?: Queuing;
}

export type Entry = "refused" | "starts" | "waits";

/** Demand is looked at once in this time, as in Kubernetes. */
export const PERIOD_MS = 10_000;
/**
 * What a request costs its flow besides the time that it holds its seats: reading, decoding and answering it are work of
 * the one thread, too, and a flow of many tiny requests must not look idle.
 */
const REQUEST_COST_MS = 0.5;
/** Of bodies of all that wait in a level: as many as three dozen of the largest. */
const WAITING_BYTES_MAX = 128 * 1024 * 1024;

export class Level<T extends Ticket> {
  readonly demand: Demand;
  /** Hears of each that waited and now has its seats. */
  readonly #start: (ticket: T) => void;
  readonly #order = new FairOrder<T>();
  readonly #lengths = new Map<number, number>();
  #settings: LevelSettings;
  #inUse = 0;
  #executing = 0;
  #waiting = 0;
  #waitingBytes = 0;

  constructor(settings: LevelSettings, nowMs: number, start: (ticket: T) => void) {
    this.#settings = settings;
    this.#start = start;
    this.demand = new Demand(PERIOD_MS, nowMs);
  }

  get limit(): number {
    return this.#settings.limit;
  }

  get seatsInUse(): number {
    return this.#inUse;
  }

  get executing(): number {
    return this.#executing;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Queues that somebody waits in, and how many. */
  get queueLengths(): ReadonlyMap<number, number> {
    return this.#lengths;
  }

  waitingTickets(): readonly T[] {
    return [...this.#order.waiting()].map(({ item }) => item);
  }

  configure(settings: LevelSettings, nowMs: number): void {
    this.#settings = settings;
    this.#dispatch(nowMs);
  }

  enter(ticket: T, nowMs: number): Entry {
    if (this.#waiting === 0 && this.#hasRoomFor(ticket)) {
      this.demand.change(ticket.seats, nowMs);
      this.#seat(ticket, nowMs);
      return "starts";
    }
    const queue = this.#queueFor(ticket);
    if (queue === undefined) return "refused";
    this.demand.change(ticket.seats, nowMs);
    ticket.queue = queue;
    this.#lengths.set(queue, (this.#lengths.get(queue) ?? 0) + 1);
    this.#waiting++;
    this.#waitingBytes += ticket.bytes;
    this.#order.push(ticket.flow, ticket, nowMs);
    return "waits";
  }

  /** Gives the seats back. */
  leave(ticket: T, nowMs: number): void {
    this.#inUse -= ticket.seats;
    this.#executing--;
    this.demand.change(-ticket.seats, nowMs);
    this.#order.release(ticket.flow, ticket.seats, ticket.startMs, nowMs);
    this.#dispatch(nowMs);
  }

  /** For one that waits no longer. False if it does not wait (any more). */
  giveUp(ticket: T, nowMs: number): boolean {
    if (!this.#order.delete(ticket.flow, ticket)) return false;
    this.#leftQueue(ticket);
    this.demand.change(-ticket.seats, nowMs);
    // It may have been a wide one that all others waited behind.
    this.#dispatch(nowMs);
    return true;
  }

  #dispatch(nowMs: number): void {
    while (this.#waiting > 0) {
      const next = this.#order.peek(nowMs);
      // Nobody overtakes one that needs more seats than are free: it would never get them.
      if (next === undefined || !this.#hasRoomFor(next.item)) return;
      this.#order.take(next, next.item.seats * REQUEST_COST_MS, nowMs);
      this.#leftQueue(next.item);
      this.#seat(next.item, nowMs);
      this.#start(next.item);
    }
  }

  #seat(ticket: T, nowMs: number): void {
    this.#inUse += ticket.seats;
    this.#executing++;
    ticket.startMs = nowMs;
    this.#order.hold(ticket.flow, ticket.seats, nowMs);
  }

  /** One that is wider than the level has it for itself. */
  #hasRoomFor({ seats }: T): boolean {
    const { limit } = this.#settings;
    return this.#inUse + seats <= limit || (this.#inUse === 0 && limit > 0);
  }

  /** The shortest of its flow's hand. Undefined when all are full. */
  #queueFor(ticket: T): number | undefined {
    const { queuing } = this.#settings;
    if (queuing === undefined || this.#waitingBytes + ticket.bytes > WAITING_BYTES_MAX)
      return undefined;
    let shortest: number | undefined;
    let length = queuing.queueLengthLimit;
    for (const queue of dealHand(ticket.flow, queuing.queues, queuing.handSize)) {
      const here = this.#lengths.get(queue) ?? 0;
      if (here >= length) continue;
      length = here;
      shortest = queue;
    }
    return shortest;
  }

  #leftQueue(ticket: T): void {
    const left = (this.#lengths.get(ticket.queue) ?? 1) - 1;
    if (left === 0) this.#lengths.delete(ticket.queue);
    else this.#lengths.set(ticket.queue, left);
    this.#waiting--;
    this.#waitingBytes -= ticket.bytes;
  }
}
