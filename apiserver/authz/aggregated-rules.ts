import { labelSelectorMatcher } from "#lib/api/selector";
import type { ClusterRole, PolicyRule } from "#proto/rbac/v1";

/**
 * A ClusterRole's rules; of one that gathers others by their labels, what those grant now: its own list is a copy that
 * a controller writes, and a moment behind.
 */
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
    if (selectors.length === 0) return each.rules ?? [];
    const matchers = selectors.map(labelSelectorMatcher);
    const chosen = [...all()].filter((other) =>
      matchers.some((matches) => matches(other.metadata.labels)),
    );
    return chosen.flatMap(collect);
  };
  return collect(role);
}
