import type { JsonObject } from "#lib/json";
import type { ApiObject } from "#proto";
import type { ValidatingAdmissionPolicyBinding } from "#proto/admissionregistration/v1";
import type { Resource } from "#resources";
import { namespaces } from "#resources";
import type { ResourceTable } from "../../chain/resource-table.ts";
import type { AdmissionRequest, Authorizer, Reader } from "../../chain/steps.ts";
import type { VersionedRequest } from "../matching/in-version.ts";
import { Registrations } from "../matching/registrations.ts";
import type { Route } from "../matching/rules.ts";
import { Scene } from "../matching/scene.ts";
import { inScope, routeInScope, type Scope } from "../matching/scope.ts";
import { namespaceObject } from "../matching/selectors.ts";
import { Evaluation } from "./evaluation.ts";
import { ParamError, type ParamSource, paramsFor } from "./params.ts";
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

  /** One for each parameter; none when there is none and that is allowed. Throws ParamError. */
  async evaluations(
    { binding, policy }: Bound<P>,
    request: AdmissionRequest,
    scene: Scene,
  ): Promise<readonly { readonly key: string; readonly evaluation: Evaluation }[]> {
    const params = await paramsFor(this.#options, policy, binding, request);
    const namespace = await this.#namespaceOf(request);
    return params.map((param) => ({
      key: `${policy.name}/${binding.name}/${keyOf(param)}`,
      evaluation: new Evaluation(policy, scene, { param, namespace }),
    }));
  }

  /** What expressions see of the request, which is in the policy's version. */
  scene(request: VersionedRequest): Scene {
    return new Scene(request, this.#options.authorizer);
  }

  async #namespaceOf(request: AdmissionRequest): Promise<JsonObject | undefined> {
    return request.resource === namespaces
      ? undefined
      : namespaceObject(request, this.#options.reader);
  }
}

/** What goes wrong with a binding itself, in words for the client; anything else is a bug. */
export function bindingProblem(error: unknown): string {
  if (error instanceof ParamError) return `failed to configure binding: ${error.message}`;
  throw error;
}

function keyOf(param: JsonObject | undefined): string {
  const { name = "", namespace = "" } = (param?.["metadata"] ?? {}) as Readonly<
    Record<string, string>
  >;
  return `${namespace}/${name}`;
}
