import type { ApiObject } from "#proto";
import type { ValidatingAdmissionPolicyBinding } from "#proto/admissionregistration/v1";
import { namespaces, type Resource } from "#resources";
import type { ResourceTable } from "../../chain/resource-table.ts";
import type { AdmissionRequest, Authorizer, Reader } from "../../chain/steps.ts";
import type { VersionedRequest } from "../matching/in-version.ts";
import { Registrations } from "../matching/registrations.ts";
import type { Route } from "../matching/rules.ts";
import { sceneOf } from "../matching/scene.ts";
import { inScope, routeInScope, type Scope } from "../matching/scope.ts";
import { namespaceObject } from "../matching/selectors.ts";
import { Evaluation } from "./evaluation.ts";
import { type Param, ParamError, type ParamSource, paramsFor } from "./params.ts";
import { type Binding, bindingOf, type Policy } from "./policy.ts";

export interface PolicyOptions extends ParamSource {
  readonly reader: Reader;
  readonly authorizer: Authorizer;
  readonly resources: ResourceTable;
  readonly signal: AbortSignal;
}

/** A policy that a binding puts to use. */
export interface Bound<P extends Policy> {
  readonly policy: P;
  /** The version that the policy's rules name, in which it sees objects. */
  readonly as: Resource;
  readonly binding: Binding;
  readonly bindingAs: Resource;
}

const BY_SCOPE = {
  matches: ({ scope }: { readonly scope: Scope }, route: Route) => routeInScope(scope, route),
  isEquivalent: ({ scope }: { readonly scope: Scope }) => scope.isEquivalent,
};

/** The policies of one kind with their bindings. */
export class BoundPolicies<P extends Policy> {
  readonly #options: PolicyOptions;
  readonly #policies: Registrations<P>;
  readonly #bindings: Registrations<Binding>;

  constructor(
    options: PolicyOptions,
    kinds: { readonly policies: Resource; readonly bindings: Resource },
    compile: (object: ApiObject) => P,
  ) {
    this.#options = options;
    this.#policies = new Registrations({
      ...options,
      resource: kinds.policies,
      compile: (object) => [compile(object)],
      ...BY_SCOPE,
    });
    this.#bindings = new Registrations({
      ...options,
      resource: kinds.bindings,
      compile: (object) => [bindingOf(object as ValidatingAdmissionPolicyBinding)],
      ...BY_SCOPE,
    });
  }

  /** Resolves when all are known; undefined when they are already. */
  get waiting(): Promise<unknown> | undefined {
    const policies = this.#policies.waiting;
    const bindings = this.#bindings.waiting;
    if (policies === undefined && bindings === undefined) return undefined;
    return Promise.all([policies, bindings]);
  }

  /** Those that may be about the request, by its route. */
  for(request: AdmissionRequest): readonly Bound<P>[] {
    const policies = this.#policies.for(request);
    if (policies.length === 0) return [];
    const bindings = this.#bindings.for(request);
    return policies.flatMap(({ as, registered: policy }) =>
      bindings
        .filter(({ registered }) => registered.policyName === policy.name)
        .map((match) => ({ policy, as, binding: match.registered, bindingAs: match.as })),
    );
  }

  async isAbout(bound: Bound<P>, request: AdmissionRequest): Promise<boolean> {
    const { reader } = this.#options;
    const { as, binding, bindingAs, policy } = bound;
    const { resource: requested } = request;
    return (
      (await inScope(policy.scope, { ...request, resource: as, requested }, reader)) &&
      (await inScope(binding.scope, { ...request, resource: bindingAs, requested }, reader))
    );
  }

  /** None when there are none and that is allowed. Throws ParamError. */
  paramsOf({ binding, policy }: Bound<P>, request: AdmissionRequest): Promise<readonly Param[]> {
    return paramsFor(this.#options, policy, binding, request);
  }

  /** The policy with one parameter, about a request in the policy's version. */
  async evaluation(
    { policy }: Bound<P>,
    request: VersionedRequest,
    param: Param,
  ): Promise<Evaluation> {
    const { authorizer, reader } = this.#options;
    const namespace =
      request.resource === namespaces ? undefined : await namespaceObject(request, reader);
    return new Evaluation(policy, sceneOf(request, authorizer), { param, namespace });
  }
}

/** What goes wrong with a binding itself, in words for the client; anything else is a bug. */
export function bindingProblem(error: unknown): string {
  if (error instanceof ParamError) return `failed to configure binding: ${error.message}`;
  throw error;
}
