/** Roles and bindings, followed as they change, so that a decision costs a few map look-ups. */

import { keyOf } from "#lib/api/key";
import type { ApiObject } from "#proto";
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
} from "#proto/rbac/v1";
import { clusterRoleBindings, clusterRoles, type Resource, roleBindings, roles } from "#resources";
import type { Reader, User } from "../chain/steps.ts";
import { aggregatedRules } from "./aggregated-rules.ts";
import { follow } from "./follow.ts";

/** So many users' grants are kept ready: more than ask at the same time in a cluster of this size. */
const USERS_MAX = 2000;

type Subject = NonNullable<ClusterRoleBinding["subjects"]>[number];

/** What one binding grants one of its subjects. */
export interface Grant {
  /** Undefined: the whole cluster. */
  readonly namespace: string | undefined;
  /** For people. */
  readonly reason: string;
  rules(): readonly PolicyRule[];
}

export class Bindings {
  readonly #roles = new Map<string, Role>();
  readonly #clusterRoles = new Map<string, ClusterRole>();
  readonly #grants = new Map<string, Grant[]>();
  readonly #roleBindings = new Map<string, RoleBinding>();
  readonly #clusterRoleBindings = new Map<string, ClusterRoleBinding>();
  /** Grants of users that asked lately, until something changes. */
  readonly #known = new Map<string, readonly Grant[]>();
  readonly #synced: Promise<unknown>;
  #isStale = true;

  /** Follows until the signal aborts. */
  constructor(reader: Reader, signal: AbortSignal) {
    this.#synced = Promise.all([
      this.#follow(reader, roles, this.#roles, signal),
      this.#follow(reader, clusterRoles, this.#clusterRoles, signal),
      this.#follow(reader, roleBindings, this.#roleBindings, signal),
      this.#follow(reader, clusterRoleBindings, this.#clusterRoleBindings, signal),
    ]);
  }

  /** Resolves when everything that existed is known. */
  get synced(): Promise<unknown> {
    return this.#synced;
  }

  grantsFor(user: User): readonly Grant[] {
    if (this.#isStale) this.#index();
    const key = [user.name, ...user.groups].join("\n");
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const subjects = [`User/${user.name}`, ...user.groups.map((group) => `Group/${group}`)];
    const grants = subjects.flatMap((subject) => this.#grants.get(subject) ?? []);
    if (this.#known.size >= USERS_MAX) this.#known.clear();
    this.#known.set(key, grants);
    return grants;
  }

  /** Everything that the user may do there; without a namespace, in the whole cluster. */
  rulesFor(user: User, namespace: string | undefined): readonly PolicyRule[] {
    return this.grantsFor(user)
      .filter((grant) => grant.namespace === undefined || grant.namespace === namespace)
      .flatMap((grant) => grant.rules());
  }

  has(kind: string, name: string, namespace: string | undefined): boolean {
    return kind === "Role" ? this.#roles.has(`${namespace}/${name}`) : this.#clusterRoles.has(name);
  }

  /** A role's rules; aggregated roles have those of the roles that they select. */
  rulesOf(kind: string, name: string, namespace: string | undefined): readonly PolicyRule[] {
    if (kind === "Role") return this.#roles.get(`${namespace}/${name}`)?.rules ?? [];
    return aggregatedRules(this.#clusterRoles.get(name), () => this.#clusterRoles.values());
  }

  #index(): void {
    this.#grants.clear();
    this.#known.clear();
    for (const binding of [...this.#roleBindings.values(), ...this.#clusterRoleBindings.values()]) {
      const { namespace } = binding.metadata;
      const { kind, name } = binding.roleRef;
      const reason = reasonOf(binding);
      let known: readonly PolicyRule[] | undefined;
      const rules = (): readonly PolicyRule[] => {
        known ??= this.rulesOf(kind, name, namespace);
        return known;
      };
      for (const subject of binding.subjects ?? []) {
        const grant = { namespace, rules, reason: `${reason} to ${subjectText(subject)}` };
        const key = subjectKey(subject);
        const grants = this.#grants.get(key) ?? [];
        grants.push(grant);
        this.#grants.set(key, grants);
      }
    }
    this.#isStale = false;
  }

  #follow(
    reader: Reader,
    resource: Resource,
    objects: Map<string, unknown>,
    signal: AbortSignal,
  ): Promise<void> {
    const changed = (): void => {
      this.#isStale = true;
    };
    const followed = {
      put: (object: ApiObject) => {
        objects.set(keyOf(object), object);
        changed();
      },
      remove: (object: ApiObject) => {
        objects.delete(keyOf(object));
        changed();
      },
      clear: () => {
        objects.clear();
        changed();
      },
    };
    return follow(reader, resource, followed, signal);
  }
}

function subjectKey({ kind, name, namespace }: Subject): string {
  return kind === "ServiceAccount"
    ? `User/system:serviceaccount:${namespace}:${name}`
    : `${kind}/${name}`;
}

/** As Kubernetes' RBAC says it; access reviews show it. */
function reasonOf({ metadata, roleRef }: ClusterRoleBinding | RoleBinding): string {
  const { name, namespace } = metadata;
  const binding =
    namespace === undefined ? `ClusterRoleBinding "${name}"` : `RoleBinding "${name}/${namespace}"`;
  return `RBAC: allowed by ${binding} of ${roleRef.kind} "${roleRef.name}"`;
}

function subjectText({ kind, name, namespace }: Subject): string {
  return kind === "ServiceAccount" ? `ServiceAccount "${name}/${namespace}"` : `${kind} "${name}"`;
}
