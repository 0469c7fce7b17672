/** MutatingAdmissionPolicy: CEL that changes what is written. */
import { isDeepStrictEqual } from "node:util";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { MutatingAdmissionPolicy } from "#proto/admissionregistration/v1";
import { mutatingAdmissionPolicies, mutatingAdmissionPolicyBindings } from "#resources";
import { metaOf } from "../../chain/object-meta.ts";
import type { AdmissionRequest } from "../../chain/steps.ts";
import { objectIn, requestIn } from "../matching/in-version.ts";
import type { Reinvocation } from "../reinvocation.ts";
import { type Bound, BoundPolicies, bindingProblem, type PolicyOptions } from "./bound-policies.ts";
import type { Evaluation } from "./evaluation.ts";
import { type CompiledMutation, MutationError, mutated, mutationOf } from "./mutation.ts";
import type { Param } from "./params.ts";
import { type Policy, policyOf } from "./policy.ts";

interface MutatingPolicy extends Policy {
  readonly mutations: readonly CompiledMutation[];
  readonly isReinvoked: boolean;
}

export interface MutatingPolicyOptions extends PolicyOptions {
  /** A changed object as the server keeps it: known fields only, with defaults. */
  readonly settle: (request: AdmissionRequest, object: JsonObject) => JsonObject;
}

export class MutatingPolicies {
  readonly #options: MutatingPolicyOptions;
  readonly #policies: BoundPolicies<MutatingPolicy>;

  constructor(options: MutatingPolicyOptions) {
    this.#options = options;
    const kinds = {
      policies: mutatingAdmissionPolicies,
      bindings: mutatingAdmissionPolicyBindings,
    };
    this.#policies = new BoundPolicies(options, kinds, (object) =>
      mutatingPolicyOf(object as MutatingAdmissionPolicy),
    );
  }

  concerns(request: AdmissionRequest): boolean {
    if (request.operation === "DELETE") return false;
    return this.#policies.waiting !== undefined || this.#policies.for(request).length > 0;
  }

  /** One after the other, each with what the one before made of the object. Undefined when none is to be asked. */
  mutate(
    request: AdmissionRequest,
    rounds: Reinvocation,
  ): Promise<JsonObject | undefined> | undefined {
    if (request.operation === "DELETE") return undefined;
    const { waiting } = this.#policies;
    if (waiting !== undefined) return waiting.then(() => this.mutate(request, rounds));
    const bound = this.#policies.for(request);
    return bound.length === 0 ? undefined : this.#mutate(bound, request, rounds);
  }

  async #mutate(
    all: readonly Bound<MutatingPolicy>[],
    request: AdmissionRequest,
    rounds: Reinvocation,
  ): Promise<JsonObject | undefined> {
    let current = request;
    for (const bound of all)
      if (await this.#policies.isAbout(bound, current))
        current = await this.#mutateBy(bound, current, rounds);
    rounds.ended(current.object);
    return current === request ? undefined : current.object;
  }

  /** Throws Invalid when an expression fails, unless the policy may then be left out. */
  async #mutateBy(
    bound: Bound<MutatingPolicy>,
    request: AdmissionRequest,
    rounds: Reinvocation,
  ): Promise<AdmissionRequest> {
    const { isOptional, isReinvoked } = bound.policy;
    let current = request;
    try {
      for (const param of await this.#policies.paramsOf(bound, request)) {
        const id = idOf(bound, param);
        if (!rounds.isDue(id)) continue;
        const object = await this.#mutateWith(bound, current, param);
        if (object !== undefined) {
          current = { ...current, object };
          rounds.changed();
        }
        if (isReinvoked) rounds.heard(id);
      }
    } catch (error) {
      const why = error instanceof MutationError ? error.message : bindingProblem(error);
      if (!isOptional) throw refusal(request, bound, why);
    }
    return current;
  }

  /** With one parameter: all mutations, one after the other. Undefined when nothing changes. */
  async #mutateWith(
    bound: Bound<MutatingPolicy>,
    request: AdmissionRequest,
    param: Param,
  ): Promise<JsonObject | undefined> {
    const seen = await requestIn(request, bound.as);
    let current = seen;
    for (const [at, mutation] of bound.policy.mutations.entries()) {
      if (current.object === undefined) return undefined;
      // Each sees what the one before has made.
      const evaluation = await this.#policies.evaluation(bound, current, param);
      if (at === 0 && !(await isWanted(evaluation))) return undefined;
      const object = await this.#applied(mutation, evaluation, current, current.object);
      current = { ...current, object };
    }
    const { object } = current;
    if (object === undefined || isDeepStrictEqual(object, seen.object)) return undefined;
    return objectIn(object, bound.as, request.resource);
  }

  async #applied(
    mutation: CompiledMutation,
    evaluation: Evaluation,
    request: AdmissionRequest,
    object: JsonObject,
  ): Promise<JsonObject> {
    const result = await evaluation.run(mutation.expression, mutation.compiled);
    if (!result.ok) throw new MutationError(result.error);
    const next = mutated(mutation, request.resource, object, result.value);
    return next === object ? object : this.#options.settle(request, next);
  }
}

/** What is heard a second time: a policy by one binding with one parameter. */
function idOf({ binding, policy }: Bound<MutatingPolicy>, param: Param): string {
  const { name = "", namespace = "" } = metaOf(param ?? {});
  return [policy.name, binding.name, namespace, name].join("/");
}

async function isWanted(evaluation: Evaluation): Promise<boolean> {
  const verdict = await evaluation.conditions();
  if ("error" in verdict) throw new MutationError(verdict.error);
  return verdict.matches;
}

function mutatingPolicyOf({ metadata, spec }: MutatingAdmissionPolicy): MutatingPolicy {
  const policy = policyOf(metadata.name, spec ?? {});
  return {
    ...policy,
    mutations: (spec?.mutations ?? []).map((each) => mutationOf(each, policy.language.expressions)),
    isReinvoked: spec?.reinvocationPolicy === "IfNeeded",
  };
}

function refusal(
  { name = "", resource }: AdmissionRequest,
  { binding, policy }: Bound<MutatingPolicy>,
  why: string,
): StatusError {
  const message = `policy '${policy.name}' with binding '${binding.name}' denied request: ${why}`;
  const { group, plural } = resource;
  return new StatusError("Invalid", message, {
    details: { name, group, kind: plural, causes: [{ reason: "", message }] },
  });
}
