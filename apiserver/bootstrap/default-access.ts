/** The default roles and bindings in the store: made when missing, completed when a newer version has more. */
import type { JsonObject, JsonValue } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
} from "#proto/rbac/v1";
import { clusterRoleBindings, clusterRoles, type Resource, roleBindings, roles } from "#resources";
import {
  DEFAULT_BINDINGS,
  DEFAULT_ROLES,
  type DefaultBinding,
  type DefaultRole,
} from "../authz/default-roles.ts";
import { NAMESPACE_ROLES } from "../authz/namespace-roles.ts";
import { missingRules } from "../authz/rule-cover.ts";
import type { InProcess } from "../chain/core.ts";

const GROUP = "rbac.authorization.k8s.io";
const AUTO_UPDATE = "rbac.authorization.kubernetes.io/autoupdate";
const LABELS = { "kubernetes.io/bootstrapping": "rbac-defaults" };

/** At once, not one after another: the store writes them together. */
export async function reconcileDefaultAccess(api: InProcess): Promise<void> {
  const [roleList, bindingList] = await Promise.all([
    api.list({ resource: clusterRoles }),
    api.list({ resource: clusterRoleBindings }),
  ]);
  const roleOf = byName(roleList.items as unknown as readonly ClusterRole[]);
  const bindingOf = byName(bindingList.items as unknown as readonly ClusterRoleBinding[]);
  await Promise.all([
    ...DEFAULT_ROLES.map((role) =>
      write(
        api,
        { resource: clusterRoles },
        planRole(role, roleOf.get(role.name)),
        roleOf.has(role.name),
      ),
    ),
    ...DEFAULT_BINDINGS.map((binding) => {
      const found = bindingOf.get(binding.role);
      const at = { resource: clusterRoleBindings };
      return write(api, at, planBinding(binding, found), found !== undefined);
    }),
  ]);
}

/** As `reconcileDefaultAccess`, inside namespaces, which must be there. */
export async function reconcileNamespaceAccess(api: InProcess): Promise<void> {
  const [roleList, bindingList] = await Promise.all([
    api.list({ resource: roles }),
    api.list({ resource: roleBindings }),
  ]);
  const inNamespace = <T extends Role | RoleBinding>(items: readonly T[], namespace: string) =>
    byName(items.filter(({ metadata }) => metadata.namespace === namespace));
  await Promise.all(
    NAMESPACE_ROLES.flatMap(({ name, namespace, rules, subjects }) => {
      const role = inNamespace(roleList.items as unknown as readonly Role[], namespace).get(name);
      const binding = inNamespace(
        bindingList.items as unknown as readonly RoleBinding[],
        namespace,
      ).get(name);
      const binds = { role: name, subjects, namespace };
      return [
        write(
          api,
          { resource: roles, namespace },
          planRole({ name, rules }, role),
          role !== undefined,
        ),
        write(
          api,
          { resource: roleBindings, namespace },
          planBinding(binds, binding),
          binding !== undefined,
        ),
      ];
    }),
  );
}

/** The role as it should be; undefined if it is well, or its owner keeps it as it is. */
export function planRole(
  role: DefaultRole,
  found: ClusterRole | Role | undefined,
): JsonObject | undefined {
  if (found === undefined) return newRole(role);
  if (isKept(found)) return undefined;
  const missing = missingRules(role.rules ?? [], found.rules ?? []);
  if (missing.length === 0) return undefined;
  return plain({ ...found, rules: [...(found.rules ?? []), ...missing] });
}

/** With a namespace: of a Role that is there. */
export function planBinding(
  binding: DefaultBinding & { readonly namespace?: string },
  found: ClusterRoleBinding | RoleBinding | undefined,
): JsonObject | undefined {
  // Accounts are of the core group, users and groups of this one.
  const wanted = binding.subjects.map((subject) =>
    subject.kind === "ServiceAccount" ? subject : { ...subject, apiGroup: GROUP },
  );
  const kind = binding.namespace === undefined ? "ClusterRole" : "Role";
  if (found === undefined) {
    return plain({
      metadata: metadata(binding.role),
      roleRef: { apiGroup: GROUP, kind, name: binding.role },
      subjects: wanted,
    });
  }
  if (isKept(found)) return undefined;
  const subjects = found.subjects ?? [];
  const missing = wanted.filter(
    (one) =>
      !subjects.some(
        ({ kind, name, namespace }) =>
          kind === one.kind && name === one.name && namespace === one.namespace,
      ),
  );
  return missing.length === 0
    ? undefined
    : plain({ ...found, subjects: [...subjects, ...missing] });
}

function newRole({ addedTo, isAggregated, name, rules }: DefaultRole): JsonObject {
  const label = (target: string): Record<string, string> => ({
    [`${GROUP}/aggregate-to-${target}`]: "true",
  });
  const labels = addedTo === undefined ? {} : label(addedTo);
  const selectors = [{ matchLabels: label(name) }];
  return plain({
    metadata: metadata(name, labels),
    ...(isAggregated ? { aggregationRule: { clusterRoleSelectors: selectors } } : {}),
    rules: (rules ?? []) as readonly PolicyRule[],
  });
}

function metadata(name: string, labels: Readonly<Record<string, string>> = {}) {
  return { name, labels: { ...LABELS, ...labels }, annotations: { [AUTO_UPDATE]: "true" } };
}

function isKept(object: ClusterRole | ClusterRoleBinding | Role | RoleBinding): boolean {
  return object.metadata.annotations?.[AUTO_UPDATE] === "false";
}

async function write(
  api: InProcess,
  at: { readonly resource: Resource; readonly namespace?: string },
  object: JsonObject | undefined,
  exists: boolean,
): Promise<void> {
  if (object === undefined) return;
  const { name } = object["metadata"] as { readonly name: string };
  try {
    if (exists) await api.update({ ...at, name }, object);
    else await api.create(at, object);
  } catch (error) {
    // Another server of the same store was faster, with the same.
    if (!StatusError.is(error, "AlreadyExists") && !StatusError.is(error, "Conflict")) throw error;
  }
}

function byName<T extends ClusterRole | ClusterRoleBinding | Role | RoleBinding>(
  items: readonly T[],
): Map<string, T> {
  return new Map(items.map((item) => [item.metadata.name ?? "", item]));
}

function plain(value: object): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject & JsonValue;
}
