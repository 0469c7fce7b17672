/** Whether rules together grant all that one rule grants. */
import type { PolicyRule } from "#proto/rbac/v1";

/** A rule for one verb on one resource, or one path. */
type Atom = PolicyRule;

/** What the wanted rule grants and the owned ones do not, one verb and resource at a time. */
export function missingRules(
  wanted: readonly PolicyRule[],
  owned: readonly PolicyRule[],
): readonly PolicyRule[] {
  return wanted.flatMap(atoms).filter((atom) => !owned.some((rule) => covers(rule, atom)));
}

function atoms(rule: PolicyRule): readonly Atom[] {
  const paths = rule.nonResourceURLs ?? [];
  const names = rule.resourceNames ?? [];
  return rule.verbs.flatMap((verb) => [
    ...paths.map((path) => ({ verbs: [verb], nonResourceURLs: [path] })),
    ...(rule.apiGroups ?? []).flatMap((group) =>
      (rule.resources ?? []).flatMap((resource) => {
        const atom = { verbs: [verb], apiGroups: [group], resources: [resource] };
        if (names.length === 0) return [atom];
        return names.map((name) => ({ ...atom, resourceNames: [name] }));
      }),
    ),
  ]);
}

function covers(rule: PolicyRule, atom: Atom): boolean {
  if (!has(rule.verbs, atom.verbs[0])) return false;
  const path = atom.nonResourceURLs?.[0];
  if (path !== undefined) return (rule.nonResourceURLs ?? []).some((url) => spans(url, path));
  const ownNames = rule.resourceNames ?? [];
  const name = atom.resourceNames?.[0];
  return (
    has(rule.apiGroups ?? [], atom.apiGroups?.[0]) &&
    resourceCovered(rule.resources ?? [], atom.resources?.[0] ?? "") &&
    (ownNames.length === 0 || (name !== undefined && ownNames.includes(name)))
  );
}

function resourceCovered(resources: readonly string[], wanted: string): boolean {
  if (has(resources, wanted)) return true;
  const [, subresource] = wanted.split("/");
  return subresource !== undefined && resources.includes(`*/${subresource}`);
}

function spans(url: string, path: string): boolean {
  return url === path || (url.endsWith("*") && path.startsWith(url.slice(0, -1)));
}

function has(list: readonly string[], value: string | undefined): boolean {
  return list.includes("*") || (value !== undefined && list.includes(value));
}
