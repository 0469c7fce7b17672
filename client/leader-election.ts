/**
 * One leader among several, through a Lease. Time is only compared with our own clock: a lease is taken over when it was
 * not renewed for its duration since *we* last saw it change.
 */
import { formatMicroTime } from "#lib/api/time";
import { type Clock, sleep } from "#lib/clock";
import type { Logger } from "#lib/logger";
import { StatusError } from "#lib/status-error";
import type { Lease } from "#proto/coordination/v1";
import { leases } from "#resources";
import type { Client } from "./client.ts";

export interface LeaderElectionOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly namespace: string;
  readonly name: string;
  /** Tells the candidates apart. */
  readonly identity: string;
}

/** kube-scheduler's values. A leader that could not renew for `RENEW_MS` steps down before others may take over. */
const LEASE_SECONDS = 15;
const RENEW_MS = 10_000;
const RETRY_MS = 2_000;

/**
 * Runs `lead` whenever we are the leader, until the signal aborts. Its own signal aborts when leadership is lost; it
 * then has to come to an end.
 */
export async function runAsLeader(
  options: LeaderElectionOptions,
  lead: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const election = new Election(options);
  while (!signal.aborted) {
    if (await election.tryAcquire()) {
      options.logger.info("leading", { lease: options.name, identity: options.identity });
      await leadWhileRenewed(options, election, lead, signal);
    }
    await sleep(options.clock, RETRY_MS, signal);
  }
  await election.release();
}

async function leadWhileRenewed(
  { clock, logger, name }: LeaderElectionOptions,
  election: Election,
  lead: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const lost = new AbortController();
  const leading = lead(AbortSignal.any([signal, lost.signal]));
  let renewedAtMs = clock.monotonicMs();
  while (!signal.aborted) {
    await sleep(clock, RETRY_MS, signal);
    if (await election.tryAcquire()) renewedAtMs = clock.monotonicMs();
    else if (clock.monotonicMs() - renewedAtMs >= RENEW_MS) break;
  }
  if (!signal.aborted) logger.error("leadership lost", { lease: name });
  lost.abort();
  await leading;
}

class Election {
  readonly #options: LeaderElectionOptions;
  #seen: { readonly version: string; readonly atMs: number } | undefined;
  #held: Lease | undefined;

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
  }

  /** Takes, keeps or renews the lease; false when another has it, or the API does not answer. */
  async tryAcquire(): Promise<boolean> {
    try {
      this.#held = await this.#acquire();
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      this.#held = undefined;
    }
    return this.#held !== undefined;
  }

  /** Lets the next leader start at once. */
  async release(): Promise<void> {
    if (this.#held === undefined) return;
    const { client } = this.#options;
    const lease = {
      ...this.#held,
      spec: { ...this.#held.spec, holderIdentity: "", leaseDurationSeconds: 1 },
    };
    await client.update(leases, lease).catch(() => {
      // It runs out by itself.
    });
  }

  async #acquire(): Promise<Lease | undefined> {
    const { client, identity, name, namespace } = this.#options;
    const now = this.#now();
    const current = await client.get(leases, { namespace, name }).catch((error: unknown) => {
      if (StatusError.is(error, "NotFound")) return undefined;
      throw error;
    });
    const mine = { holderIdentity: identity, leaseDurationSeconds: LEASE_SECONDS, renewTime: now };
    if (current === undefined) {
      const spec = { ...mine, acquireTime: now, leaseTransitions: 0 };
      return client.create(leases, { metadata: { namespace, name }, spec });
    }
    if (current.spec.holderIdentity === identity) {
      return client.update(leases, { ...current, spec: { ...current.spec, ...mine } });
    }
    if (!this.#isFree(current)) return undefined;
    const leaseTransitions = (current.spec.leaseTransitions ?? 0) + 1;
    return client.update(leases, {
      ...current,
      spec: { ...current.spec, ...mine, acquireTime: now, leaseTransitions },
    });
  }

  #isFree(lease: Lease): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    const version = lease.metadata.resourceVersion;
    if (this.#seen?.version !== version) this.#seen = { version, atMs: nowMs };
    if ((lease.spec.holderIdentity ?? "") === "") return true;
    const durationMs = (lease.spec.leaseDurationSeconds ?? LEASE_SECONDS) * 1000;
    return nowMs - this.#seen.atMs >= durationMs;
  }

  #now(): string {
    return formatMicroTime(this.#options.clock.nowMs());
  }
}
