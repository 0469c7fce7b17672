import { labelSelectorMatcher } from "#lib/api/selector";
import type { ClusterRole, PolicyRule } from "#proto/rbac/v1";

/** A ClusterRole's own rules, and those of the roles that it gathers by their labels. */
export function aggregatedRules(
  role: ClusterRole | undefined,
  all: () => Iterable<ClusterRole>,
): readonly PolicyRule[] {
  if (role === undefined) return [];
  const visited = new Set<string>();
  const collect = (each: ClusterRole): readonly PolicyRule[] => {
    // Roles may gather one another: view in edit, edit in admin, and by mistake the other way around.
    if (visited.has(each.metadata.name)) return [];
    visited.add(each.metadata.name);
    const selectors = each.aggregationRule?.clusterRoleSelectors ?? [];
    const own = each.rules ?? [];
    if (selectors.length === 0) return own;
    const matchers = selectors.map(labelSelectorMatcher);
    const chosen = [...all()].filter((other) =>
      matchers.some((matches) => matches(other.metadata.labels)),
    );
    return [...own, ...chosen.flatMap(collect)];
  };
  return collect(role);
}
