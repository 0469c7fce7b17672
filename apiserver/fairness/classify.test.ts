import assert from "node:assert/strict";
import { test } from "node:test";
import type { FlowSchema } from "#proto/flowcontrol/v1";
import { flowOf, inOrder, matches, type RequestFacts } from "./classify.ts";
import { configurationOf } from "./configuration.ts";
import { DEFAULT_LEVELS, DEFAULT_SCHEMAS, type DefaultObject } from "./default-objects.ts";

const asObjects = (objects: readonly DefaultObject[]) =>
  objects.map(({ name, spec }) => ({ metadata: { name }, spec, status: {} })) as never;
const DEFAULTS = configurationOf(asObjects(DEFAULT_SCHEMAS), asObjects(DEFAULT_LEVELS)).schemas;

const AUTHENTICATED = "system:authenticated";
const person = { name: "ann", groups: [AUTHENTICATED] };
const admin = { name: "root", groups: ["system:masters", AUTHENTICATED] };
const nobody = { name: "system:anonymous", groups: ["system:unauthenticated"] };
const node = { name: "system:node:n1", groups: ["system:nodes", AUTHENTICATED] };
const controllers = { name: "system:kube-controller-manager", groups: [AUTHENTICATED] };
const scheduler = { name: "system:kube-scheduler", groups: [AUTHENTICATED] };
const account = (namespace: string) => ({
  name: `system:serviceaccount:${namespace}:a`,
  groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, AUTHENTICATED],
});
const pods = { group: "", plural: "pods" };
const nodes = { group: "", plural: "nodes" };
const leases = { group: "coordination.k8s.io", plural: "leases" };

type Facts = Omit<RequestFacts, "path"> & { readonly path?: string };

/** Who asks for what, and the schema and flow that it belongs to by default. */
const ROWS: readonly (readonly [Facts, string, string])[] = [
  [{ user: admin, verb: "get", resource: pods, namespace: "d" }, "exempt", "exempt"],
  [{ user: admin, verb: "get", path: "/metrics" }, "exempt", "exempt"],
  [{ user: nobody, verb: "get", path: "/healthz" }, "probes", "probes"],
  [{ user: nobody, verb: "get", path: "/readyz/etcd" }, "probes", "probes"],
  [
    { user: nobody, verb: "get", path: "/readyzed" },
    "global-default",
    "global-default/system:anonymous",
  ],
  [
    { user: nobody, verb: "post", path: "/healthz" },
    "global-default",
    "global-default/system:anonymous",
  ],
  [
    { user: node, verb: "update", resource: nodes, subresource: "status" },
    "system-node-high",
    "system-node-high/system:node:n1",
  ],
  [
    { user: node, verb: "update", resource: leases, namespace: "kube-node-lease" },
    "system-node-high",
    "system-node-high/system:node:n1",
  ],
  [
    { user: node, verb: "update", resource: pods, subresource: "status", namespace: "d" },
    "system-nodes",
    "system-nodes/system:node:n1",
  ],
  [
    { user: controllers, verb: "update", resource: leases, namespace: "kube-system" },
    "system-leader-election",
    "system-leader-election/system:kube-controller-manager",
  ],
  [
    { user: controllers, verb: "create", resource: pods, namespace: "d" },
    "kube-controller-manager",
    "kube-controller-manager/d",
  ],
  [{ user: scheduler, verb: "list", resource: pods }, "kube-scheduler", "kube-scheduler/"],
  [
    { user: account("kube-system"), verb: "list", resource: pods, namespace: "d" },
    "kube-system-service-accounts",
    "kube-system-service-accounts/d",
  ],
  [
    { user: account("d"), verb: "list", resource: pods, namespace: "d" },
    "service-accounts",
    "service-accounts/system:serviceaccount:d:a",
  ],
  // Whose namespace only begins so.
  [
    { user: account("kube-system-2"), verb: "list", resource: pods, namespace: "d" },
    "service-accounts",
    "service-accounts/system:serviceaccount:kube-system-2:a",
  ],
  [
    { user: person, verb: "get", resource: pods, namespace: "d" },
    "global-default",
    "global-default/ann",
  ],
];

test("requests are classed by the first schema that is about them", () => {
  for (const [given, name, flow] of ROWS) {
    const facts = { path: "/", ...given };
    const found = DEFAULTS.find((each) => matches(each, facts));
    assert.equal(found?.metadata.name, name, JSON.stringify(given));
    assert.equal(found && flowOf(found, facts), flow);
  }
});

function schema(name: string, precedence: number, rule: object = {}): FlowSchema {
  const subjects = [{ kind: "User", user: { name: "ann" } }];
  return {
    metadata: { name },
    spec: {
      priorityLevelConfiguration: { name: "catch-all" },
      matchingPrecedence: precedence,
      rules: [{ subjects, ...rule }],
    },
    status: {},
  } as unknown as FlowSchema;
}

const RULE = { verbs: ["get"], apiGroups: [""], resources: ["pods"], namespaces: ["d"] };
const GET = { user: person, verb: "get", path: "/", resource: pods, namespace: "d" };

const RULE_ROWS: readonly (readonly [object, Partial<RequestFacts>, boolean])[] = [
  [{}, {}, true],
  [{ verbs: ["list"] }, {}, false],
  [{ verbs: ["*"] }, {}, true],
  [{ apiGroups: ["apps"] }, {}, false],
  [{ resources: ["pods/status"] }, {}, false],
  [{ resources: ["pods/status"] }, { subresource: "status" }, true],
  [{}, { subresource: "status" }, false],
  [{ resources: ["*"] }, { subresource: "status" }, true],
  [{ namespaces: ["e"] }, {}, false],
  [{ namespaces: ["*"] }, { namespace: "" }, false],
  [{ namespaces: [], clusterScope: true }, { namespace: "" }, true],
  [{ namespaces: [], clusterScope: true }, {}, false],
  [{}, { user: nobody }, false],
];

test("a resource rule asks for verb, group, resource and namespace", () => {
  for (const [rule, request, expected] of RULE_ROWS) {
    const asked = schema("s", 5, { resourceRules: [{ ...RULE, ...rule }] });
    assert.equal(matches(asked, { ...GET, ...request }), expected, JSON.stringify([rule, request]));
  }
});

test("precedence orders, then the name", () => {
  const names = inOrder([schema("b", 7), schema("c", 3), schema("a", 7)]).map(
    ({ metadata }) => metadata.name,
  );
  assert.deepEqual(names, ["c", "a", "b"]);
});

test("schemas without their level do not count; what is mandatory is imagined", () => {
  const dangling = schema("d", 2, { resourceRules: [RULE] });
  const level = { priorityLevelConfiguration: { name: "gone" } };
  const { levels, schemas } = configurationOf(
    [{ ...dangling, spec: { ...dangling.spec, ...level } }, schema("kept", 2)],
    [],
  );
  assert.deepEqual(
    schemas.map(({ metadata }) => metadata.name),
    ["exempt", "kept", "catch-all"],
  );
  assert.deepEqual(
    levels.map(({ isExempt, name }) => [name, isExempt]),
    [
      ["exempt", true],
      ["catch-all", false],
    ],
  );
});
