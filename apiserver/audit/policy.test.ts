import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePolicy } from "./parse-policy.ts";
import { decide, type Requested } from "./policy.ts";

const POLICY = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
omitManagedFields: true
rules:
  - level: None
    users: ["system:kube-proxy"]
    verbs: ["watch"]
    resources: [{group: "", resources: ["endpoints", "services"]}]
  - level: None
    userGroups: ["system:authenticated"]
    nonResourceURLs: ["/api*", "/version"]
  - level: Request
    resources: [{group: "", resources: ["configmaps"], resourceNames: ["controller-leader"]}]
    namespaces: ["kube-system"]
  - level: Metadata
    resources: [{group: "", resources: ["secrets", "configmaps", "pods/log", "nodes/*", "*/status"]}]
    omitStages: [ResponseStarted]
    omitManagedFields: false
  - level: Request
    namespaces: [""]
  - level: RequestResponse
    resources: [{group: apps}]
  - level: Metadata
    verbs: ["delete"]
`;

const ann = { name: "ann", groups: ["dev", "system:authenticated"] };
const pods = { group: "", resource: "pods", namespace: "ns", name: "p" };

const CASES: readonly (readonly [string, Partial<Requested>, string])[] = [
  ["nothing matches", { object: pods }, "None"],
  [
    "a user, by name, verb and resource",
    {
      user: { name: "system:kube-proxy", groups: [] },
      verb: "watch",
      object: { group: "", resource: "services", namespace: "ns" },
    },
    "None",
  ],
  ["a path below a star", { object: undefined, path: "/api/v1" }, "None"],
  ["a path, exactly", { object: undefined, path: "/version" }, "None"],
  ["a path beside it", { object: undefined, path: "/version/", verb: "delete" }, "Metadata"],
  [
    "a group that the user is not in",
    { object: undefined, path: "/version", user: { name: "x", groups: [] }, verb: "delete" },
    "Metadata",
  ],
  [
    "one object by name, in its namespace",
    {
      object: {
        group: "",
        resource: "configmaps",
        namespace: "kube-system",
        name: "controller-leader",
      },
    },
    "Request",
  ],
  [
    "the same name elsewhere",
    { object: { group: "", resource: "configmaps", namespace: "ns", name: "controller-leader" } },
    "Metadata",
  ],
  ["a sub-resource by name", { object: { ...pods, subresource: "log" } }, "Metadata"],
  ["a sub-resource of anything", { object: { ...pods, subresource: "status" } }, "Metadata"],
  ["another sub-resource", { object: { ...pods, subresource: "exec" } }, "None"],
  ["everything of a resource", { object: { group: "", resource: "nodes", name: "n" } }, "Metadata"],
  [
    "what has no namespace",
    { object: { group: "rbac.authorization.k8s.io", resource: "clusterroles" } },
    "Request",
  ],
  [
    "a whole group",
    { object: { group: "apps", resource: "deployments", namespace: "ns", subresource: "scale" } },
    "RequestResponse",
  ],
  ["a verb alone", { object: pods, verb: "delete" }, "Metadata"],
  [
    "nobody is in no group, and is no user",
    { user: undefined, object: undefined, path: "/version", verb: "delete" },
    "Metadata",
  ],
];

for (const [name, requested, level] of CASES) {
  test(`decide: ${name}`, () => {
    const policy = parsePolicy("policy.yaml", POLICY);
    const decision = decide(policy, {
      user: ann,
      verb: "get",
      path: "/x",
      object: undefined,
      ...requested,
    });
    assert.equal(decision.level, level);
  });
}

test("decide: stages of policy and rule are omitted together; the rule's word on managed fields counts", () => {
  const policy = parsePolicy("policy.yaml", POLICY);
  const base = { user: ann, verb: "get", path: "/x" };
  const secret = decide(policy, { ...base, object: { group: "", resource: "secrets" } });
  assert.deepEqual([...secret.omitStages], ["RequestReceived", "ResponseStarted"]);
  assert.equal(secret.omitManagedFields, false);
  const deployment = decide(policy, {
    ...base,
    object: { group: "apps", resource: "deployments", namespace: "ns" },
  });
  assert.deepEqual([...deployment.omitStages], ["RequestReceived"]);
  assert.equal(deployment.omitManagedFields, true);
});

const MISTAKES: readonly (readonly [string, string, RegExp])[] = [
  [
    "another version",
    "apiVersion: audit.k8s.io/v1beta1\nkind: Policy\nrules: [{level: None}]",
    /^p: line 1: apiVersion: Unsupported value: "audit.k8s.io\/v1beta1": use audit.k8s.io\/v1$/,
  ],
  [
    "no rules",
    "apiVersion: audit.k8s.io/v1\nkind: Policy\n",
    /^p: line 1: rules: Required value: it is missing$/,
  ],
  ["an empty list of rules", withRules("[]"), /rules: Required value: without a rule nothing/],
  [
    "a level that is none, and a field that is none",
    withRules("\n- level: Everything\n  user: [ann]"),
    /^p: line 4: rules\[0\].level: Unsupported value: "Everything": use None, Metadata, Request, RequestResponse\np: line 5: rules\[0\].user: unknown field; there are /,
  ],
  [
    "no level",
    withRules("\n- users: [ann]"),
    /^p: line 4: rules\[0\]: level: Required value: it is missing$/,
  ],
  [
    "a group with its version",
    withRules("\n- level: None\n  resources:\n  - group: apps/v1"),
    /^p: line 6: rules\[0\].resources\[0\].group: Invalid value: "apps\/v1"/,
  ],
  [
    "names without resources",
    withRules("\n- level: None\n  resources:\n  - resourceNames: [x]"),
    /^p: line 6: rules\[0\].resources\[0\].resourceNames: .*requires at least one resource$/,
  ],
  [
    "a star in the middle of a path",
    withRules('\n- level: None\n  nonResourceURLs: ["/a*/b", "b"]'),
    /nonResourceURLs\[0\]: Invalid value: "\/a\*\/b".*\n.*nonResourceURLs\[1\]: .* must begin with "\/"/,
  ],
  [
    "objects and paths in one rule",
    withRules('\n- level: None\n  namespaces: [ns]\n  nonResourceURLs: ["/a"]'),
    /^p: line 6: rules\[0\].nonResourceURLs: Invalid value: a rule is about resources/,
  ],
  [
    "a stage that is none",
    withRules("\n- level: None\n  omitStages: [Started]"),
    /omitStages\[0\]: Unsupported value: "Started": use RequestReceived, ResponseStarted, /,
  ],
  ["text where a list is due", withRules("\n- level: None\n  users: ann"), /users: must be a list/],
  ["no YAML", "rules: [", /^p: line 1: Flow sequence/],
  ["a field twice", "kind: Policy\nkind: Policy", /^p: line 2: Map keys must be unique/],
  ["no object at all", "- 1", /^p: line 1: must be an object, with fields$/],
];

function withRules(rules: string): string {
  return `apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: ${rules}\n`;
}

for (const [name, text, message] of MISTAKES) {
  test(`parsePolicy refuses ${name}`, () => {
    assert.throws(() => parsePolicy("p", text), { name: "ConfigError", message });
  });
}
