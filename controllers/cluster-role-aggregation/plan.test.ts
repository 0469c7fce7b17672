import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClusterRole, PolicyRule } from "#proto/rbac/v1";
import { planAggregation } from "./plan.ts";

const READ: PolicyRule = { verbs: ["get"], apiGroups: [""], resources: ["pods"] };
const WRITE: PolicyRule = { verbs: ["update"], apiGroups: [""], resources: ["pods"] };
const LIST: PolicyRule = { verbs: ["list"], apiGroups: [""], resources: ["pods"] };

function role(name: string, labels: Record<string, string>, rules: PolicyRule[]): ClusterRole {
  return { metadata: { name, labels }, rules } as unknown as ClusterRole;
}

function gathering(rules: PolicyRule[], ...targets: string[]): ClusterRole {
  const clusterRoleSelectors = targets.map((to) => ({ matchLabels: { to } }));
  // Its own label would make it gather itself.
  return { ...role("sum", { to: "a" }, rules), aggregationRule: { clusterRoleSelectors } };
}

const ROLES = [
  role("z", { to: "a" }, [WRITE, READ]),
  role("m", { to: "b" }, [LIST]),
  role("b", { to: "a" }, [READ]),
  role("other", { to: "c" }, [LIST]),
];

const CASES: readonly (readonly [string, ClusterRole, readonly PolicyRule[] | undefined])[] = [
  ["gathers by name, each rule once", gathering([], "a"), [READ, WRITE]],
  ["gathers selector by selector", gathering([], "b", "a"), [LIST, READ, WRITE]],
  ["takes away what nobody grants any more", gathering([READ, LIST], "none"), []],
  ["leaves what is well", gathering([READ, WRITE], "a"), undefined],
  ["leaves a role that gathers nothing", role("plain", {}, [LIST]), undefined],
];

for (const [name, given, expected] of CASES) {
  test(`planAggregation() ${name}`, () => {
    assert.deepEqual(planAggregation(given, [...ROLES, given])?.rules, expected);
  });
}
