import type { Clock } from "#lib/clock";
import type { Logger } from "#lib/logger";
import { type Random, uuid } from "#lib/random";
import { StatusError } from "#lib/status-error";
import { abandoned } from "../../chain/failures.ts";
import type { Authorizer, Reader } from "../../chain/steps.ts";
import { conditionsMatch } from "../matching/conditions.ts";
import type { VersionedRequest } from "../matching/in-version.ts";
import { sceneOf } from "../matching/scene.ts";
import { namespaceMatches, objectMatches } from "../matching/selectors.ts";
import { callWebhook } from "./call.ts";
import type { Hook } from "./hook.ts";
import type { Poster } from "./post.ts";
import { InvalidAnswer, rejection, reviewOf, type Verdict, verdictOf } from "./review.ts";
import type { WebhookMetrics } from "./webhook-metrics.ts";

/** What asking needs. */
export interface Asking {
  readonly reader: Reader;
  readonly authorizer: Authorizer;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly post: Poster;
  readonly metrics: WebhookMetrics;
}

/** Whether a webhook whose rules match wants to hear of this request. Throws Forbidden when its conditions cannot tell. */
export async function wantsToHear(
  { authorizer, reader }: Asking,
  hook: Hook,
  request: VersionedRequest,
): Promise<boolean> {
  if (!objectMatches(hook.selectors, request)) return false;
  if (!(await namespaceMatches(hook.selectors, request, reader))) return false;
  if (hook.conditions.length === 0) return true;
  const verdict = await conditionsMatch(hook.conditions, sceneOf(request, authorizer));
  if ("matches" in verdict) return verdict.matches;
  if (hook.isOptional) return false;
  const { name = "", resource } = request;
  const what = resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`;
  throw new StatusError("Forbidden", `${what} "${name}" is forbidden: ${verdict.error}`, {
    details: { name, group: resource.group, kind: resource.plural },
  });
}

/**
 * What the webhook says; undefined when it could not be asked and need not be. Throws its refusal, and InternalError
 * when it could not be asked and must be.
 */
export async function ask(
  asking: Asking,
  hook: Hook,
  request: VersionedRequest,
  isMutating: boolean,
): Promise<Verdict | undefined> {
  if (request.dryRun && hook.hasSideEffects) {
    const why = `admission webhook "${hook.name}" does not support dry run`;
    throw new StatusError("BadRequest", why);
  }
  const verdict = await timedAnswer(asking, hook, request, isMutating);
  for (const warning of verdict?.warnings ?? []) request.warn?.(warning);
  for (const [key, value] of Object.entries(verdict?.auditAnnotations ?? {}))
    request.annotate?.(`${hook.name}/${key}`, value);
  if (verdict !== undefined && !verdict.allowed) throw rejection(hook.name, verdict.status);
  return verdict;
}

async function timedAnswer(
  asking: Asking,
  hook: Hook,
  request: VersionedRequest,
  isMutating: boolean,
): Promise<Verdict | undefined> {
  const { clock, metrics } = asking;
  const type = isMutating ? "admit" : "validating";
  const asked = { name: hook.name, operation: request.operation, type } as const;
  const startMs = clock.monotonicMs();
  let isRejected = true;
  try {
    const verdict = await answerOf(asking, hook, request, isMutating);
    if (verdict === undefined) metrics.failedOpen(asked);
    isRejected = verdict?.allowed === false;
    return verdict;
  } finally {
    metrics.asked(asked, (clock.monotonicMs() - startMs) / 1000, isRejected);
  }
}

async function answerOf(
  asking: Asking,
  hook: Hook,
  request: VersionedRequest,
  isMutating: boolean,
): Promise<Verdict | undefined> {
  const asked = { uid: uuid(asking.random), version: hook.reviewVersion, isMutating };
  const signal = request.abandoned?.();
  try {
    const body = JSON.stringify(reviewOf(request, asked));
    const call = { ...hook, body, sayTimeout: true };
    const answer = await callWebhook(asking, signal ? { ...call, abandoned: signal } : call);
    return verdictOf(answer, asked);
  } catch (error) {
    // Also of one that need not be asked: what nobody waits for must not be written.
    if (signal?.aborted) throw abandoned();
    const why = (error as Error).message;
    const kind =
      error instanceof InvalidAnswer
        ? "received invalid webhook response"
        : "failed to call webhook";
    return unanswered(asking, hook, `${kind}: ${why}`);
  }
}

/** Undefined lets the request go on. */
export function unanswered({ logger }: Pick<Asking, "logger">, hook: Hook, why: string): undefined {
  const message = `failed calling webhook "${hook.name}": ${why}`;
  if (!hook.isOptional) {
    const causes = [{ reason: "InternalError", message }];
    throw new StatusError("InternalError", `Internal error occurred: ${message}`, {
      details: { causes },
    });
  }
  logger.info("webhook could not be asked; its failurePolicy is Ignore", { hook: hook.id, why });
  return undefined;
}
