import assert from "node:assert/strict";
import { test } from "node:test";
import type { RuleWithOperations } from "#proto/admissionregistration/v1";
import {
  deployments,
  namespaces,
  nodes,
  pods,
  selfSubjectAccessReviews,
  validatingWebhookConfigurations,
} from "#resources";
import { isExempt, type Route, ruleMatches } from "./rules.ts";

const RULE: RuleWithOperations = {
  apiGroups: ["apps"],
  apiVersions: ["v1"],
  operations: ["CREATE"],
  resources: ["deployments"],
};
const CREATE: Route = { operation: "CREATE", resource: deployments };
const all = { apiGroups: ["*"], apiVersions: ["*"], operations: ["*"] };

const ROWS: readonly (readonly [object, Route, boolean])[] = [
  [{}, CREATE, true],
  [{ operations: ["UPDATE"] }, CREATE, false],
  [{ operations: ["*"] }, { ...CREATE, operation: "CONNECT" }, true],
  [{ apiGroups: [""] }, CREATE, false],
  [{ apiVersions: ["v1beta1"] }, CREATE, false],
  [{}, { ...CREATE, subresource: "scale" }, false],
  [{ resources: ["deployments/*"] }, { ...CREATE, subresource: "scale" }, true],
  [{ resources: ["deployments/*"] }, CREATE, true],
  [{ resources: ["*"] }, { ...CREATE, subresource: "scale" }, false],
  [{ resources: ["*/scale"] }, { ...CREATE, subresource: "scale" }, true],
  [{ resources: ["*/scale"] }, CREATE, false],
  [
    { ...all, resources: ["*/*"] },
    { operation: "CONNECT", resource: pods, subresource: "exec" },
    true,
  ],
  [{ scope: "Namespaced" }, CREATE, true],
  [{ scope: "Cluster" }, CREATE, false],
  [{ ...all, resources: ["*"], scope: "Cluster" }, { operation: "DELETE", resource: nodes }, true],
  [
    { ...all, resources: ["*"], scope: "Cluster" },
    { operation: "DELETE", resource: namespaces },
    true,
  ],
  [
    { ...all, resources: ["*"], scope: "Namespaced" },
    { operation: "DELETE", resource: nodes },
    false,
  ],
];

test("ruleMatches() compares operation, kind, sub-resource and scope", () => {
  for (const [fields, route, expected] of ROWS)
    assert.equal(ruleMatches({ ...RULE, ...fields }, route), expected, JSON.stringify(fields));
});

test("what decides about writes does not decide about itself, nor about questions", () => {
  assert.equal(isExempt({ operation: "CREATE", resource: selfSubjectAccessReviews }), true);
  assert.equal(isExempt({ operation: "DELETE", resource: validatingWebhookConfigurations }), true);
  assert.equal(isExempt(CREATE), false);
});
