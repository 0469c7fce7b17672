/** Webhooks: servers outside that may change or refuse what is written. */
import { isDeepStrictEqual } from "node:util";
import type { JsonObject } from "#lib/json";
import { applyJsonPatch } from "#lib/patch/json-patch";
import { StatusError } from "#lib/status-error";
import {
  mutatingWebhookConfigurations,
  type Resource,
  validatingWebhookConfigurations,
} from "#resources";
import type { ResourceTable } from "../../chain/resource-table.ts";
import type { AdmissionRequest } from "../../chain/steps.ts";
import { objectIn, requestIn, type VersionedRequest } from "../matching/in-version.ts";
import { type Match, Registrations } from "../matching/registrations.ts";
import type { Reinvocation } from "../reinvocation.ts";
import { annotateFailedOpen, annotateMutation, annotatePatch, type Turn } from "./annotations.ts";
import { type Asking, ask, unanswered, wantsToHear } from "./ask.ts";
import { type Hook, hookMatches, hooksOf } from "./hook.ts";

export interface WebhookOptions extends Asking {
  readonly resources: ResourceTable;
  readonly signal: AbortSignal;
  /** A patched object as the server keeps it: known fields only, with defaults. */
  readonly settle: (request: AdmissionRequest, object: JsonObject) => JsonObject;
}

export class Webhooks {
  readonly #options: WebhookOptions;
  readonly #mutating: Registrations<Hook>;
  readonly #validating: Registrations<Hook>;

  constructor(options: WebhookOptions) {
    this.#options = options;
    const registered = (resource: Resource): Registrations<Hook> =>
      new Registrations({
        ...options,
        resource,
        compile: hooksOf,
        matches: hookMatches,
        isEquivalent: (hook) => hook.isEquivalent,
      });
    this.#mutating = registered(mutatingWebhookConfigurations);
    this.#validating = registered(validatingWebhookConfigurations);
  }

  concerns(request: AdmissionRequest): boolean {
    return this.#mutating.waiting !== undefined || this.#mutating.for(request).length > 0;
  }

  /** One after the other, each with what the one before made of the object. Undefined when none is to be asked. */
  mutate(
    request: AdmissionRequest,
    rounds: Reinvocation,
  ): Promise<JsonObject | undefined> | undefined {
    const { waiting } = this.#mutating;
    if (waiting !== undefined) return waiting.then(() => this.mutate(request, rounds));
    const hooks = this.#mutating.for(request);
    return hooks.length === 0 ? undefined : this.#mutate(hooks, request, rounds);
  }

  /** All at once. */
  validate(request: AdmissionRequest): Promise<void> | undefined {
    const { waiting } = this.#validating;
    if (waiting !== undefined) return waiting.then(() => this.validate(request));
    const hooks = this.#validating.for(request);
    return hooks.length === 0 ? undefined : this.#validate(hooks, request);
  }

  async #mutate(
    hooks: readonly Match<Hook>[],
    request: AdmissionRequest,
    rounds: Reinvocation,
  ): Promise<JsonObject | undefined> {
    let current = request;
    const round = rounds.round === 1 ? 0 : 1;
    for (const [index, { as, registered: hook }] of hooks.entries()) {
      const seen = await requestIn(current, as);
      if (!(await wantsToHear(this.#options, hook, seen))) continue;
      if (!rounds.isDue(hook.id)) continue;
      const turn = { annotate: request.annotate, round, index } as const;
      const verdict = await ask(this.#options, hook, seen, true);
      if (verdict === undefined) annotateFailedOpen(turn, hook, "mutation");
      const object = this.#patched(hook, seen, verdict?.patch, turn);
      annotateMutation(turn, hook, object !== undefined);
      if (object !== undefined) {
        current = { ...current, object: await objectIn(object, as, current.resource) };
        rounds.changed();
      }
      if (hook.isReinvoked) rounds.heard(hook.id);
    }
    rounds.ended(current.object);
    return current === request ? undefined : current.object;
  }

  /** Undefined when nothing changes. */
  #patched(
    hook: Hook,
    request: AdmissionRequest,
    patch: string | undefined,
    turn: Turn,
  ): JsonObject | undefined {
    const operations = patch === undefined ? [] : operationsOf(patch);
    if (operations === undefined)
      return unanswered(this.#options, hook, "received undecodable patch in webhook response");
    if (operations.length === 0) return undefined;
    const { object } = request;
    if (object === undefined) {
      const why = `admission webhook "${hook.name}" attempted to modify the object, which is not supported for this operation`;
      throw new StatusError("InternalError", `Internal error occurred: ${why}`);
    }
    const settled = this.#options.settle(request, applied(hook, object, operations));
    if (isDeepStrictEqual(settled, object)) return undefined;
    annotatePatch(turn, hook, operations);
    return settled;
  }

  async #validate(hooks: readonly Match<Hook>[], request: AdmissionRequest): Promise<void> {
    const wanted: { readonly hook: Hook; readonly seen: VersionedRequest }[] = [];
    for (const { as, registered: hook } of hooks) {
      const seen = await requestIn(request, as);
      if (await wantsToHear(this.#options, hook, seen)) wanted.push({ hook, seen });
    }
    const answers = await Promise.allSettled(
      wanted.map(async ({ hook, seen }, index) => {
        const verdict = await ask(this.#options, hook, seen, false);
        const turn = { annotate: request.annotate, round: 0, index } as const;
        if (verdict === undefined) annotateFailedOpen(turn, hook, "validating");
      }),
    );
    const refused = answers.find((answer) => answer.status === "rejected");
    if (refused !== undefined) throw refused.reason;
  }
}

function operationsOf(patch: string): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(patch);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function applied(hook: Hook, object: JsonObject, operations: readonly unknown[]): JsonObject {
  try {
    return applyJsonPatch(object, operations) as JsonObject;
  } catch (error) {
    const why = `the patch of admission webhook "${hook.name}" does not apply: ${(error as Error).message}`;
    throw new StatusError("InternalError", `Internal error occurred: ${why}`, { cause: error });
  }
}
