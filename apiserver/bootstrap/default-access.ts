/** The default roles and bindings in the store: made when missing, completed when a newer version has more. */
import type { JsonObject, JsonValue } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { ClusterRole, ClusterRoleBinding, PolicyRule } from "#proto/rbac/v1";
import { clusterRoleBindings, clusterRoles, type Resource } from "#resources";
import {
  DEFAULT_BINDINGS,
  DEFAULT_ROLES,
  type DefaultBinding,
  type DefaultRole,
} from "../authz/default-roles.ts";
import { missingRules } from "../authz/rule-cover.ts";
import type { InProcess } from "../chain/core.ts";

const GROUP = "rbac.authorization.k8s.io";
const AUTO_UPDATE = "rbac.authorization.kubernetes.io/autoupdate";
const LABELS = { "kubernetes.io/bootstrapping": "rbac-defaults" };

/** At once, not one after another: the store writes them together. */
export async function reconcileDefaultAccess(api: InProcess): Promise<void> {
  const [roles, bindings] = await Promise.all([
    api.list({ resource: clusterRoles }),
    api.list({ resource: clusterRoleBindings }),
  ]);
  const roleOf = byName(roles.items as unknown as readonly ClusterRole[]);
  const bindingOf = byName(bindings.items as unknown as readonly ClusterRoleBinding[]);
  await Promise.all([
    ...DEFAULT_ROLES.map((role) =>
      write(api, clusterRoles, planRole(role, roleOf.get(role.name)), roleOf.has(role.name)),
    ),
    ...DEFAULT_BINDINGS.map((binding) => {
      const found = bindingOf.get(binding.role);
      return write(api, clusterRoleBindings, planBinding(binding, found), found !== undefined);
    }),
  ]);
}

/** The role as it should be; undefined if it is well, or its owner keeps it as it is. */
export function planRole(
  role: DefaultRole,
  found: ClusterRole | undefined,
): JsonObject | undefined {
  if (found === undefined) return newRole(role);
  if (isKept(found)) return undefined;
  const missing = missingRules(role.rules ?? [], found.rules ?? []);
  if (missing.length === 0) return undefined;
  return plain({ ...found, rules: [...(found.rules ?? []), ...missing] });
}

export function planBinding(
  binding: DefaultBinding,
  found: ClusterRoleBinding | undefined,
): JsonObject | undefined {
  const wanted = binding.subjects.map((subject) => ({ ...subject, apiGroup: GROUP }));
  if (found === undefined) {
    return plain({
      metadata: metadata(binding.role),
      roleRef: { apiGroup: GROUP, kind: "ClusterRole", name: binding.role },
      subjects: wanted,
    });
  }
  if (isKept(found)) return undefined;
  const subjects = found.subjects ?? [];
  const missing = wanted.filter(
    ({ kind, name }) => !subjects.some((each) => each.kind === kind && each.name === name),
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

function isKept(object: ClusterRole | ClusterRoleBinding): boolean {
  return object.metadata.annotations?.[AUTO_UPDATE] === "false";
}

async function write(
  api: InProcess,
  resource: Resource,
  object: JsonObject | undefined,
  exists: boolean,
): Promise<void> {
  if (object === undefined) return;
  const { name } = object["metadata"] as { readonly name: string };
  try {
    if (exists) await api.update({ resource, name }, object);
    else await api.create({ resource }, object);
  } catch (error) {
    // Another server of the same store was faster, with the same.
    if (!StatusError.is(error, "AlreadyExists") && !StatusError.is(error, "Conflict")) throw error;
  }
}

function byName<T extends ClusterRole | ClusterRoleBinding>(items: readonly T[]): Map<string, T> {
  return new Map(items.map((item) => [item.metadata.name ?? "", item]));
}

function plain(value: object): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject & JsonValue;
}
