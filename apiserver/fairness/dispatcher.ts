/**
 * Says when a request may begin. It belongs to a flow of a priority level; it gets seats of the level, and then a turn of
 * the one thread. While there are free seats and the loop is not behind, it begins at once.
 */
import { isDeepStrictEqual } from "node:util";
import type { Clock } from "#lib/clock";
import { StatusError } from "#lib/status-error";
import type { FlowSchema } from "#proto/flowcontrol/v1";
import { abandoned } from "../chain/failures.ts";
import { flowOf, matches, type RequestFacts } from "./classify.ts";
import { type Configuration, configurationOf, type LevelConfiguration } from "./configuration.ts";
import { CATCH_ALL } from "./default-objects.ts";
import { Level, PERIOD_MS, type Ticket } from "./level.ts";
import { adjustedLimits, boundsOf, firstLimit, type LevelBounds, widthLimit } from "./limits.ts";
import { RetryAfter } from "./retry-after.ts";
import { Turns } from "./turns.ts";

/** What kube-apiserver serves at once if nothing else is said: 400 that read and 200 that write. */
const SEATS_DEFAULT = 600;
/** Refusals that wait for their turn; any more are said at once, so that they take no memory. */
const REFUSALS_WAITING_MAX = 4096;

export interface DispatcherOptions {
  readonly clock: Clock;
  /** Calls back when the loop has looked for input. */
  readonly afterTurn: (callback: () => void) => void;
  /** For all levels together. */
  readonly seats?: number;
}

export interface Classification {
  readonly schema: FlowSchema;
  readonly level: LevelState;
  readonly flow: string;
}

export interface Entering {
  readonly classification: Classification;
  readonly facts: RequestFacts;
  readonly seats: number;
  readonly bodyBytes: number;
  /** How long it may wait for its seats. */
  readonly waitMs: number;
  /** Aborts when nobody wants the answer any more. Asked for only if it has to wait. */
  readonly signal: () => AbortSignal;
}

/** One level as it is now. */
export interface LevelState {
  readonly configuration: LevelConfiguration;
  readonly bounds: LevelBounds;
  readonly seats: Level<Pass>;
  readonly retryAfter: RetryAfter;
  readonly counts: Counts;
  /** The most that one request takes. */
  readonly widthMax: number;
}

/** What became of its requests. */
interface Counts {
  dispatched: number;
  refused: number;
  timedOut: number;
  cancelled: number;
}

export class Dispatcher {
  readonly #clock: Clock;
  readonly #turns: Turns;
  readonly #total: number;
  #schemas: readonly FlowSchema[] = [];
  #levels = new Map<string, LevelState>();
  #refusalsWaiting = 0;
  #cancelAdjustment: (() => void) | undefined;

  constructor({ afterTurn, clock, seats = SEATS_DEFAULT }: DispatcherOptions) {
    this.#clock = clock;
    this.#turns = new Turns(afterTurn);
    this.#total = seats;
    this.configure(configurationOf([], []));
  }

  get levels(): readonly LevelState[] {
    return [...this.#levels.values()];
  }

  /** Whoever is in a level that is no longer there stays in it to the end. */
  configure({ levels, schemas }: Configuration): void {
    const nowMs = this.#clock.monotonicMs();
    const bounds = boundsOf(levels, this.#total);
    const before = this.#levels;
    this.#levels = new Map();
    levels.forEach((configuration, at) => {
      const bound = bounds[at];
      if (bound === undefined) return;
      const known = before.get(configuration.name);
      this.#levels.set(configuration.name, this.#stateOf(configuration, bound, known, nowMs));
    });
    this.#schemas = schemas;
  }

  classify(facts: RequestFacts): Classification {
    const schema =
      this.#schemas.find((each) => matches(each, facts)) ??
      this.#schemas.find(({ metadata }) => metadata.name === CATCH_ALL);
    const level = this.#levels.get(schema?.spec.priorityLevelConfiguration.name ?? "");
    // Mandatory objects are imagined where they are missing.
    if (schema === undefined || level === undefined) throw new Error("no priority level is left");
    return { schema, level, flow: flowOf(schema, facts) };
  }

  /** A promise only if it has to wait. Throws, or rejects with, TooManyRequests. Its pass must be released. */
  enter(entering: Entering): Pass | Promise<Pass> {
    const { level } = entering.classification;
    const nowMs = this.#clock.monotonicMs();
    const pass = new Pass(this.#clock, entering);
    this.#cancelAdjustment ??= this.#clock.after(PERIOD_MS, this.#adjust);
    switch (level.seats.enter(pass, nowMs)) {
      case "refused":
        return this.#refuse(level, entering, nowMs);
      case "waits":
        return this.#waitForSeats(pass, entering);
      case "starts":
        if (level.configuration.isExempt || this.#turns.tryStart(nowMs)) {
          level.counts.dispatched++;
          return pass;
        }
        return new Promise((resolve) => this.#waitForTurn(pass, resolve));
    }
  }

  close(): void {
    this.#cancelAdjustment?.();
  }

  #stateOf(
    configuration: LevelConfiguration,
    bounds: LevelBounds,
    known: LevelState | undefined,
    nowMs: number,
  ): LevelState {
    const { isExempt, queuing } = configuration;
    // What was lent and borrowed of other amounts says nothing about these.
    const isSame = known !== undefined && isDeepStrictEqual(known.bounds, bounds);
    const current = isSame ? known.seats.limit : firstLimit(bounds);
    const limit = isExempt ? Number.POSITIVE_INFINITY : current;
    const settings = { limit, ...(queuing === undefined ? {} : { queuing }) };
    known?.seats.configure(settings, nowMs);
    return {
      configuration,
      bounds,
      seats: known?.seats ?? new Level(settings, nowMs, (pass) => pass.seated()),
      retryAfter: known?.retryAfter ?? new RetryAfter(nowMs),
      counts: known?.counts ?? { dispatched: 0, refused: 0, timedOut: 0, cancelled: 0 },
      widthMax: widthLimit(bounds.nominal, queuing?.handSize),
    };
  }

  #waitForSeats(pass: Pass, { signal, waitMs }: Entering): Promise<Pass> {
    const { counts, retryAfter } = pass.level;
    return new Promise((resolve, reject) => {
      const leaving = signal();
      const stop = (): void => {
        cancel();
        leaving.removeEventListener("abort", leave);
      };
      const giveUp = (failure: () => StatusError): void => {
        stop();
        if (pass.giveUp()) reject(failure());
      };
      const leave = (): void => {
        counts.cancelled++;
        giveUp(abandoned);
      };
      const cancel = this.#clock.after(waitMs, () => {
        counts.timedOut++;
        giveUp(() => tooMany(retryAfter.refuse(this.#clock.monotonicMs())));
      });
      pass.whenSeated = () => {
        stop();
        this.#waitForTurn(pass, resolve);
      };
      if (leaving.aborted) leave();
      else leaving.addEventListener("abort", leave, { once: true });
    });
  }

  #waitForTurn(pass: Pass, resolve: (pass: Pass) => void): void {
    const { flow, level, seats } = pass;
    this.#turns.wait({
      ...shareOf(level),
      flow,
      cost: seats,
      run: () => {
        level.counts.dispatched++;
        resolve(pass);
      },
    });
  }

  #refuse(level: LevelState, { classification }: Entering, nowMs: number): Promise<Pass> {
    level.counts.refused++;
    const failure = tooMany(level.retryAfter.refuse(nowMs));
    if (this.#refusalsWaiting >= REFUSALS_WAITING_MAX) return Promise.reject(failure);
    this.#refusalsWaiting++;
    return new Promise((_, reject) => {
      this.#turns.wait({
        ...shareOf(level),
        flow: classification.flow,
        cost: 1,
        run: () => {
          this.#refusalsWaiting--;
          reject(failure);
        },
      });
    });
  }

  readonly #adjust = (): void => {
    this.#cancelAdjustment = undefined;
    const nowMs = this.#clock.monotonicMs();
    const levels = this.levels;
    const asking = levels.map(({ bounds, seats }) => ({
      bounds,
      demand: seats.demand.collect(nowMs),
    }));
    const limits = adjustedLimits(asking);
    levels.forEach(({ configuration, seats }, at) => {
      if (configuration.isExempt) return;
      const { queuing } = configuration;
      const limit = limits[at] ?? seats.limit;
      seats.configure({ limit, ...(queuing === undefined ? {} : { queuing }) }, nowMs);
    });
    // An idle server sleeps: the next request sets the clock again.
    if (levels.some(({ seats }) => seats.executing + seats.waiting > 0))
      this.#cancelAdjustment = this.#clock.after(PERIOD_MS, this.#adjust);
  };
}

/** A request's leave to be served. */
export class Pass implements Ticket {
  readonly level: LevelState;
  readonly schema: FlowSchema;
  readonly facts: RequestFacts;
  readonly flow: string;
  readonly seats: number;
  readonly bytes: number;
  queue = -1;
  startMs = 0;
  whenSeated: (() => void) | undefined;
  readonly #clock: Clock;
  #isOver = false;

  constructor(clock: Clock, { bodyBytes, classification, facts, seats }: Entering) {
    this.#clock = clock;
    this.level = classification.level;
    this.schema = classification.schema;
    this.flow = classification.flow;
    this.facts = facts;
    this.seats = seats;
    this.bytes = bodyBytes;
  }

  /** Gives the seats back; once is enough, more do no harm. */
  release(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.level.seats.leave(this, this.#clock.monotonicMs());
  }

  /** False if it has its seats already. */
  giveUp(): boolean {
    return this.level.seats.giveUp(this, this.#clock.monotonicMs());
  }

  seated(): void {
    this.whenSeated?.();
  }
}

function shareOf({ bounds, configuration }: LevelState): { level: string; weight: number } {
  return { level: configuration.name, weight: Math.max(1, bounds.nominal) };
}

function tooMany(seconds: number): StatusError {
  const message = `the server has too many requests of this kind to take this one: try again in ${seconds} s`;
  return new StatusError("TooManyRequests", message, { details: { retryAfterSeconds: seconds } });
}
