import assert from "node:assert/strict";
import { test } from "node:test";
import type { PolicyRule } from "#proto/rbac/v1";
import type { AccessRequest } from "../chain/steps.ts";
import { ruleAllows } from "./rule.ts";

const user = { name: "eve", groups: [] };
const getPod: AccessRequest = {
  user,
  verb: "get",
  group: "",
  resource: "pods",
  namespace: "a",
  name: "p",
};

const ROWS: readonly {
  readonly name: string;
  readonly rule: PolicyRule;
  readonly request: AccessRequest;
  readonly allowed: boolean;
}[] = [
  {
    name: "grants what it names",
    rule: { verbs: ["get"], apiGroups: [""], resources: ["pods"] },
    request: getPod,
    allowed: true,
  },
  {
    name: "grants no other verb",
    rule: { verbs: ["list"], apiGroups: [""], resources: ["pods"] },
    request: getPod,
    allowed: false,
  },
  {
    name: "grants no other group",
    rule: { verbs: ["get"], apiGroups: ["apps"], resources: ["pods"] },
    request: getPod,
    allowed: false,
  },
  {
    name: "takes stars for all",
    rule: { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
    request: getPod,
    allowed: true,
  },
  {
    name: "does not grant sub-resources with the resource",
    rule: { verbs: ["get"], apiGroups: [""], resources: ["pods"] },
    request: { ...getPod, subresource: "log" },
    allowed: false,
  },
  {
    name: "grants a sub-resource by name",
    rule: { verbs: ["get"], apiGroups: [""], resources: ["pods/log"] },
    request: { ...getPod, subresource: "log" },
    allowed: true,
  },
  {
    name: "grants a sub-resource of all kinds",
    rule: { verbs: ["get"], apiGroups: [""], resources: ["*/log"] },
    request: { ...getPod, subresource: "log" },
    allowed: true,
  },
  {
    name: "keeps to names",
    rule: { verbs: ["get"], apiGroups: [""], resources: ["pods"], resourceNames: ["q"] },
    request: getPod,
    allowed: false,
  },
  {
    name: "does not list by names",
    rule: { verbs: ["list"], apiGroups: [""], resources: ["pods"], resourceNames: ["p"] },
    request: { user, verb: "list", group: "", resource: "pods" },
    allowed: false,
  },
  {
    name: "grants paths below a star",
    rule: { verbs: ["get"], nonResourceURLs: ["/metrics*"] },
    request: { user, verb: "get", path: "/metrics/x" },
    allowed: true,
  },
  {
    name: "grants no resource by a path",
    rule: { verbs: ["get"], nonResourceURLs: ["*"] },
    request: getPod,
    allowed: false,
  },
];

for (const { allowed, name, request, rule } of ROWS) {
  test(`ruleAllows() ${name}`, () => {
    assert.equal(ruleAllows(rule, request), allowed);
  });
}
