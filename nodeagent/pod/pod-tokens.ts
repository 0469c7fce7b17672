/** Tokens of pods' service accounts, as their volumes want them: asked for, kept, and renewed in time. */
import type { Client } from "#client";
import { type BackoffOptions, backoffMs, withJitter } from "#lib/backoff";
import type { Clock } from "#lib/clock";
import type { Logger } from "#lib/logger";
import type { Random } from "#lib/random";
import type { TokenRequest } from "#proto/authentication/v1";
import type { Pod, ServiceAccountTokenProjection } from "#proto/core/v1";
import { serviceAccounts } from "#resources";

/** Renewed after so much of its life, and no later than after a day. Kubernetes' numbers. */
const RENEW_AFTER = 0.8;
const RENEW_AFTER_MS_MAX = 24 * 3600 * 1000;
const LIFE_SECONDS = 3600;
const RETRY: BackoffOptions = { firstMs: 1_000, maxMs: 60_000 };

export interface PodTokensOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

interface Held {
  token: string | undefined;
  /** Why there is none, or none newer. */
  problem: string;
  failures: number;
  cancel: () => void;
}

type Wanted = Pick<ServiceAccountTokenProjection, "audience" | "expirationSeconds">;

export class PodTokens {
  readonly #options: PodTokensOptions;
  /** By the pod's uid, then by what is wanted. */
  readonly #held = new Map<string, Map<string, Held>>();

  constructor(options: PodTokensOptions) {
    this.#options = options;
  }

  /** Resolves when each token has been asked for once, whatever came of it. `changed` is called for each newer one. */
  async follow(pod: Pod, changed: () => void): Promise<void> {
    const { uid } = pod.metadata;
    const held = this.#held.get(uid) ?? new Map<string, Held>();
    this.#held.set(uid, held);
    const missing = wantedBy(pod).filter((wanted) => held.get(keyOf(wanted))?.token === undefined);
    await Promise.all(
      missing.map((wanted) => {
        held.get(keyOf(wanted))?.cancel();
        const entry: Held = { token: undefined, problem: "", failures: 0, cancel: () => {} };
        held.set(keyOf(wanted), entry);
        return this.#renew(pod, wanted, entry, changed);
      }),
    );
  }

  unfollow(uid: string): void {
    for (const { cancel } of this.#held.get(uid)?.values() ?? []) cancel();
    this.#held.delete(uid);
  }

  /** Throws an Error that says why there is none. */
  token(uid: string, wanted: Wanted): string {
    const held = this.#held.get(uid)?.get(keyOf(wanted));
    if (held?.token !== undefined) return held.token;
    throw new Error(`failed to fetch token: ${held?.problem ?? "it was not asked for yet"}`);
  }

  close(): void {
    for (const uid of this.#held.keys()) this.unfollow(uid);
  }

  async #renew(pod: Pod, wanted: Wanted, held: Held, changed: () => void): Promise<void> {
    const { clock, logger, random } = this.#options;
    const again = (delayMs: number): void => {
      // Its pod may have gone while we asked.
      if (this.#held.get(pod.metadata.uid)?.get(keyOf(wanted)) !== held) return;
      held.cancel = clock.after(delayMs, () => {
        void this.#renew(pod, wanted, held, changed).then(changed);
      });
    };
    try {
      const { expiresMs, token } = await this.#request(pod, wanted);
      held.token = token;
      held.failures = 0;
      again(renewalMs(expiresMs - clock.nowMs()));
    } catch (error) {
      held.problem = error instanceof Error ? error.message : String(error);
      held.failures++;
      logger.info("token not renewed", { pod: pod.metadata.name, error: held.problem });
      again(withJitter(random, backoffMs(RETRY, held.failures)));
    }
  }

  async #request({ metadata, spec }: Pod, { audience, expirationSeconds }: Wanted) {
    const { name, namespace = "", uid } = metadata;
    const account = { namespace, name: spec.serviceAccountName ?? "default" };
    const answer = await this.#options.client.createSubresource(serviceAccounts, account, "token", {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      metadata: {},
      spec: {
        audiences: audience ? [audience] : [],
        expirationSeconds: expirationSeconds ?? LIFE_SECONDS,
        boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid },
      },
    });
    const { status } = answer as unknown as TokenRequest;
    return { token: status.token, expiresMs: Date.parse(status.expirationTimestamp ?? "") };
  }
}

function renewalMs(lifeMs: number): number {
  return Math.max(RETRY.firstMs, Math.min(lifeMs * RENEW_AFTER, RENEW_AFTER_MS_MAX));
}

function wantedBy({ spec }: Pod): readonly Wanted[] {
  const sources = (spec.volumes ?? []).flatMap(({ projected }) => projected?.sources ?? []);
  const wanted = sources.flatMap(({ serviceAccountToken }) => serviceAccountToken ?? []);
  return [...new Map(wanted.map((each) => [keyOf(each), each])).values()];
}

function keyOf({ audience = "", expirationSeconds = LIFE_SECONDS }: Wanted): string {
  return `${expirationSeconds}/${audience}`;
}
