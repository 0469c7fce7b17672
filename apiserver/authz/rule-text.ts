/** Rules and users in the words of Kubernetes' refusals. */
import type { PolicyRule } from "#proto/rbac/v1";
import type { User } from "../chain/steps.ts";

/** One line a rule, as `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`. */
export function rulesText(rules: readonly PolicyRule[]): string {
  return compact(rules).map(ruleText).toSorted().join("\n");
}

export function userText({ groups, name }: User): string {
  return `user ${JSON.stringify(name)} (groups=${quoted(groups)})`;
}

/** Rules that differ only in the verb become one. */
function compact(rules: readonly PolicyRule[]): readonly PolicyRule[] {
  const known = new Map<string, PolicyRule>();
  for (const { verbs, ...what } of rules) {
    const key = JSON.stringify(what);
    const before = known.get(key)?.verbs ?? [];
    known.set(key, { ...what, verbs: [...new Set([...before, ...verbs])] });
  }
  return [...known.values()];
}

function ruleText(rule: PolicyRule): string {
  const parts: readonly (readonly [string, readonly string[] | undefined])[] = [
    ["APIGroups", rule.apiGroups],
    ["Resources", rule.resources],
    ["NonResourceURLs", rule.nonResourceURLs],
    ["ResourceNames", rule.resourceNames],
    ["Verbs", rule.verbs],
  ];
  const texts = parts.flatMap(([name, list = []]) =>
    list.length === 0 ? [] : [`${name}:${quoted(list)}`],
  );
  return `{${texts.join(", ")}}`;
}

function quoted(list: readonly string[]): string {
  return `[${list.map((each) => JSON.stringify(each)).join(" ")}]`;
}
