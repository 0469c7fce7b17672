/** Records who did what: decides by the policy, and hands lines to where they are kept. */
import type { Clock } from "#lib/clock";
import { type Random, uuid } from "#lib/random";
import { MicroTime } from "./micro-time.ts";
import { decide, type Level, type Policy } from "./policy.ts";
import { type Received, Trail } from "./trail.ts";

/** Where events go. Lines are taken in the order in which they are handed over. */
export interface AuditSink {
  readonly name: "log" | "webhook";
  /** Events that did not arrive. */
  readonly lost: number;
  /** A promise that must be waited for before the request is answered; undefined: there is nothing to wait for. */
  take(line: string): Promise<void> | undefined;
  /** Resolves when nothing more is to be written or sent. */
  close(): Promise<void>;
}

export interface AuditOptions {
  readonly policy: Policy;
  readonly sinks: readonly AuditSink[];
  readonly clock: Clock;
  readonly random: Random;
}

/** What of a client's own ids is taken: it goes back to it in a header. */
const CLIENT_ID = /^[\x21-\x7e]{1,64}$/;

export class Auditor {
  readonly #options: AuditOptions;
  readonly #time: MicroTime;
  readonly #open = new Set<Trail>();
  /** By level. */
  readonly requests: Record<Level, number> = {
    None: 0,
    Metadata: 0,
    Request: 0,
    RequestResponse: 0,
  };
  events = 0;

  constructor(options: AuditOptions) {
    this.#options = options;
    this.#time = new MicroTime(options.clock);
  }

  /** Undefined when nothing of the request is to be recorded. `id`: what the client calls it, if it does. */
  begin(received: Received, id?: string): Trail | undefined {
    const decision = decide(this.#options.policy, received.requested);
    this.requests[decision.level] += 1;
    if (decision.level === "None") return undefined;
    const trail = new Trail({
      id: id !== undefined && CLIENT_ID.test(id) ? id : uuid(this.#options.random),
      received,
      decision,
      now: () => this.#time.now(),
      record: (line) => this.#record(line),
      over: (ended) => this.#open.delete(ended),
    });
    this.#open.add(trail);
    return trail;
  }

  get sinks(): readonly AuditSink[] {
    return this.#options.sinks;
  }

  /** Ends what is still open. Afterwards every event is where it belongs. */
  async close(): Promise<void> {
    await Promise.all([...this.#open].map((trail) => trail.end()));
    await Promise.all(this.#options.sinks.map((sink) => sink.close()));
  }

  #record(line: string): Promise<void> | undefined {
    const { sinks } = this.#options;
    this.events += 1;
    if (sinks.length === 1) return sinks[0]?.take(line);
    const waiting = sinks.map((sink) => sink.take(line)).filter((each) => each !== undefined);
    return waiting.length === 0 ? undefined : Promise.all(waiting).then(() => {});
  }
}
