import { isDeepStrictEqual } from "node:util";
import { labelSelectorMatcher } from "#lib/api/selector";
import type { ClusterRole, PolicyRule } from "#proto/rbac/v1";

/**
 * The role with the rules of all that it gathers: selector by selector, roles by name, each rule once, as Kubernetes
 * orders them. Undefined for one that gathers nothing, or has them already.
 */
export function planAggregation(
  role: ClusterRole,
  all: Iterable<ClusterRole>,
): ClusterRole | undefined {
  if (role.aggregationRule === undefined) return undefined;
  const rules = gatheredRules(role, [...all].toSorted(byName));
  return isDeepStrictEqual(rules, role.rules ?? []) ? undefined : { ...role, rules };
}

function gatheredRules(role: ClusterRole, sorted: readonly ClusterRole[]): readonly PolicyRule[] {
  const selectors = role.aggregationRule?.clusterRoleSelectors ?? [];
  const others = sorted.filter(({ metadata }) => metadata.name !== role.metadata.name);
  const found = selectors
    .map(labelSelectorMatcher)
    .flatMap((matches) =>
      others.filter(({ metadata }) => matches(metadata.labels)).flatMap(({ rules = [] }) => rules),
    );
  return found.filter(
    (rule, at) => found.findIndex((earlier) => isDeepStrictEqual(earlier, rule)) === at,
  );
}

function byName({ metadata: a }: ClusterRole, { metadata: b }: ClusterRole): number {
  if (a.name === b.name) return 0;
  return a.name < b.name ? -1 : 1;
}
