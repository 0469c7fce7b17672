/** Roles and bindings, followed as they change, so that a decision costs a few map look-ups. */

import { keyOf } from "#lib/api/key";
import { labelSelectorMatcher } from "#lib/api/selector";
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
} from "#proto/rbac/v1";
import { clusterRoleBindings, clusterRoles, type Resource, roleBindings, roles } from "#resources";
import type { Reader, User } from "../chain/steps.ts";

type Subjects = ClusterRoleBinding["subjects"];

/** What one binding grants one of its subjects. */
export interface Grant {
  /** Undefined: the whole cluster. */
  readonly namespace: string | undefined;
  readonly binding: string;
  rules(): readonly PolicyRule[];
}

export class Bindings {
  readonly #roles = new Map<string, Role>();
  readonly #clusterRoles = new Map<string, ClusterRole>();
  readonly #grants = new Map<string, Grant[]>();
  readonly #bindings = new Map<string, ClusterRoleBinding | RoleBinding>();
  readonly #synced: Promise<unknown>;
  #isStale = true;

  /** Follows until the signal aborts. */
  constructor(reader: Reader, signal: AbortSignal) {
    this.#synced = Promise.all([
      this.#follow(reader, roles, this.#roles, signal),
      this.#follow(reader, clusterRoles, this.#clusterRoles, signal),
      this.#follow(reader, roleBindings, this.#bindings, signal),
      this.#follow(reader, clusterRoleBindings, this.#bindings, signal),
    ]);
  }

  /** Resolves when everything that existed is known. */
  get synced(): Promise<unknown> {
    return this.#synced;
  }

  grantsFor(user: User): readonly Grant[] {
    if (this.#isStale) this.#index();
    return [`User/${user.name}`, ...user.groups.map((group) => `Group/${group}`)].flatMap(
      (subject) => this.#grants.get(subject) ?? [],
    );
  }

  /** A role's rules; aggregated roles have those of the roles that they select. */
  rulesOf(kind: string, name: string, namespace: string | undefined): readonly PolicyRule[] {
    if (kind === "Role") return this.#roles.get(`${namespace}/${name}`)?.rules ?? [];
    const role = this.#clusterRoles.get(name);
    const selectors = role?.aggregationRule?.clusterRoleSelectors ?? [];
    if (selectors.length === 0) return role?.rules ?? [];
    const matchers = selectors.map(labelSelectorMatcher);
    const chosen = [...this.#clusterRoles.values()].filter(
      (each) => each !== role && matchers.some((matches) => matches(each.metadata.labels)),
    );
    return [...(role?.rules ?? []), ...chosen.flatMap((each) => each.rules ?? [])];
  }

  #index(): void {
    this.#grants.clear();
    for (const [key, binding] of this.#bindings) {
      const { namespace } = binding.metadata;
      const { kind, name } = binding.roleRef;
      let known: readonly PolicyRule[] | undefined;
      const grant: Grant = {
        namespace,
        binding: key,
        rules: () => {
          known ??= this.rulesOf(kind, name, namespace);
          return known;
        },
      };
      for (const subject of binding.subjects ?? []) this.#grant(subject, grant);
    }
    this.#isStale = false;
  }

  #grant(subject: NonNullable<Subjects>[number], grant: Grant): void {
    const key =
      subject.kind === "ServiceAccount"
        ? `User/system:serviceaccount:${subject.namespace}:${subject.name}`
        : `${subject.kind}/${subject.name}`;
    const grants = this.#grants.get(key) ?? [];
    grants.push(grant);
    this.#grants.set(key, grants);
  }

  async #follow(
    reader: Reader,
    resource: Resource,
    objects: Map<string, unknown>,
    signal: AbortSignal,
  ): Promise<void> {
    const { items, revision } = await reader.list({ resource });
    for (const item of items) objects.set(keyOf(item.object), item.object);
    const events = reader.watch({ resource, resourceVersion: String(revision) }, signal);
    void this.#apply(events, objects);
  }

  async #apply(events: ReturnType<Reader["watch"]>, objects: Map<string, unknown>): Promise<void> {
    for await (const batch of events) {
      for (const event of batch) {
        if (event.type === "BOOKMARK") continue;
        const { object } = event.object;
        if (event.type === "DELETED") objects.delete(keyOf(object));
        else objects.set(keyOf(object), object);
        this.#isStale = true;
      }
    }
  }
}
