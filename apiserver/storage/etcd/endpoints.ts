/** Which of etcd's members is asked, and what happens when it does not answer. */
import { Etcd3, GRPCUnavailableError, type IOptions } from "etcd3";
import { type Clock, sleep } from "#lib/clock";
import { StatusError } from "#lib/status-error";

/** Every member is tried this often before a request fails: an election takes a second or two. */
const ROUNDS_MAX = 4;
const ROUND_PAUSE_MS = 700;
/** A linearizable read of one key takes milliseconds; a member without a quorum does not answer it at all. */
const PROBE_MS_MAX = 2_000;
/** Answers are as big as a list of all objects; etcd itself bounds what a request may be. */
const RECEIVE_ANY_SIZE = -1;
/** Finds a connection dead whose other end vanished. etcd refuses more than one in five seconds. */
const KEEPALIVE_MS = 20_000;

export class Endpoints {
  readonly #clock: Clock;
  readonly #members: readonly { readonly address: string; readonly client: Etcd3 }[];
  #at = 0;
  /** The member at `#at` has answered since it was chosen. */
  #isProven = false;

  constructor(addresses: readonly string[], clock: Clock) {
    this.#clock = clock;
    this.#members = addresses.map((address) => ({ address, client: connect(address) }));
  }

  /** A member that answers. Only then is a write sent, so that trying the next one cannot write twice. */
  async proven(): Promise<Etcd3> {
    let cause: unknown;
    for (let attempt = 0; attempt < ROUNDS_MAX * this.#members.length; attempt++) {
      const client = this.#current();
      if (this.#isProven) return client;
      const at = this.#at;
      try {
        const deadline = this.#clock.nowMs() + PROBE_MS_MAX;
        await client.kv.range({ key: PROBE_KEY, count_only: true }, { deadline });
        if (this.#at === at) this.#isProven = true;
      } catch (error) {
        cause = error;
        this.#leave(at);
        if ((attempt + 1) % this.#members.length === 0) await sleep(this.#clock, ROUND_PAUSE_MS);
      }
    }
    const names = this.#members.map(({ address }) => address).join(", ");
    throw new StatusError("ServiceUnavailable", `etcd does not answer at ${names}`, { cause });
  }

  /** Asks once, and makes the next request look for another member when this one was lost. */
  async once<T>(ask: (client: Etcd3) => Promise<T>): Promise<T> {
    const client = await this.proven();
    const at = this.#at;
    try {
      return await ask(client);
    } catch (error) {
      if (isLoss(error)) this.#leave(at);
      throw error;
    }
  }

  /** For what may be asked twice. */
  async read<T>(ask: (client: Etcd3) => Promise<T>): Promise<T> {
    try {
      return await this.once(ask);
    } catch (error) {
      if (!isLoss(error)) throw error;
      return await this.once(ask);
    }
  }

  /** The current member is lost, whoever noticed. */
  suspect(): void {
    this.#leave(this.#at);
  }

  close(): void {
    for (const { client } of this.#members) client.close();
  }

  #current(): Etcd3 {
    const member = this.#members[this.#at];
    if (member === undefined) throw new Error("etcd: no endpoints");
    return member.client;
  }

  #leave(at: number): void {
    if (this.#at !== at) return;
    this.#at = (at + 1) % this.#members.length;
    this.#isProven = false;
  }
}

const PROBE_KEY = Buffer.from("/");

/** The library's own retries would write a second time what was perhaps written; its breaker would add delays. */
const once = {
  execute: async (call: (context: unknown) => unknown) => await call({}),
} as unknown as NonNullable<NonNullable<IOptions["faultHandling"]>["global"]>;

function connect(address: string): Etcd3 {
  return new Etcd3({
    hosts: address,
    faultHandling: { global: once, host: () => once },
    grpcOptions: {
      "grpc.max_receive_message_length": RECEIVE_ANY_SIZE,
      "grpc.keepalive_time_ms": KEEPALIVE_MS,
      // An etcd that comes back is found within this time.
      "grpc.max_reconnect_backoff_ms": 1_000,
      "grpc.initial_reconnect_backoff_ms": 100,
    },
  });
}

function isLoss(error: unknown): boolean {
  return error instanceof GRPCUnavailableError;
}
