import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "#lib/json";
import {
  clusterRoles,
  configMaps,
  controllerRevisions,
  daemonSets,
  deployments,
  endpointSlices,
  endpoints,
  events,
  leases,
  namespaces,
  nodes,
  podDisruptionBudgets,
  priorityClasses,
  type Resource,
  replicaSets,
  roleBindings,
  roles,
  secrets,
  services,
} from "#resources";
import { rules } from "./index.ts";
import { made, problems, updated } from "./testing.ts";

const TEMPLATE = {
  metadata: { labels: { app: "a" } },
  spec: { containers: [{ name: "c", image: "i" }] },
};
const WORKLOAD = { selector: { matchLabels: { app: "a" } }, template: TEMPLATE };
const PORTS = [{ port: 80 }];
const RULE = { verbs: ["get"], apiGroups: [""], resources: ["pods"] };
const ROLE = { kind: "Role", name: "r", apiGroup: "rbac.authorization.k8s.io" };
const LOCAL = { involvedObject: { kind: "Pod", namespace: "d" } };

const WELL: readonly (readonly [Resource, JsonObject])[] = [
  [namespaces, {}],
  [configMaps, { data: { "a.conf": "x" } }],
  [secrets, { stringData: { key: "x" } }],
  [services, { spec: { ports: PORTS } }],
  [services, { spec: { clusterIP: "None" } }],
  [services, { spec: { type: "ExternalName", externalName: "example.com." } }],
  [deployments, { spec: WORKLOAD }],
  [deployments, { spec: { ...WORKLOAD, strategy: { type: "Recreate" } } }],
  [replicaSets, { spec: WORKLOAD }],
  [daemonSets, { spec: { ...WORKLOAD, updateStrategy: { type: "OnDelete" } } }],
  [controllerRevisions, { data: { spec: {} }, revision: 1 }],
  [endpointSlices, { addressType: "IPv4", endpoints: [{ addresses: ["10.0.0.1"] }], ports: [] }],
  [endpoints, { subsets: [{ addresses: [{ ip: "10.0.0.1" }], ports: PORTS }] }],
  [leases, { spec: { holderIdentity: "a", leaseDurationSeconds: 15 } }],
  [nodes, { spec: { taints: [{ key: "a", effect: "NoSchedule" }], podCIDRs: ["10.1.0.0/24"] } }],
  [events, LOCAL],
  [podDisruptionBudgets, { spec: { minAvailable: "50%", selector: {} } }],
  [priorityClasses, { value: 1000 }],
  [priorityClasses, { metadata: { name: "system-node-critical" }, value: 2_000_001_000 }],
  [roles, { metadata: { name: "a:b" }, rules: [RULE] }],
  [clusterRoles, { rules: [{ verbs: ["get"], nonResourceURLs: ["/metrics"] }] }],
  [roleBindings, { roleRef: { kind: "Role", name: "r" }, subjects: [{ kind: "User", name: "u" }] }],
];

for (const [resource, fields] of WELL) {
  test(`a ${resource.kind} may be ${JSON.stringify(fields).slice(0, 70)}`, () => {
    assert.deepEqual(problems(resource, fields), []);
  });
}

const WRONG: readonly (readonly [Resource, JsonObject, string])[] = [
  [
    namespaces,
    { metadata: { name: "a.b" } },
    `metadata.name: Invalid value: "a.b": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character`,
  ],
  [
    configMaps,
    { metadata: { labels: { "a b": "c" } } },
    `metadata.labels: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`,
  ],
  [
    configMaps,
    { data: { "a/b": "" } },
    `data[a/b]: Invalid value: "a/b": a valid config key must consist of alphanumeric characters, '-', '_' or '.'`,
  ],
  [
    secrets,
    { type: "kubernetes.io/tls", data: { "tls.crt": "" } },
    "data[tls.key]: Required value",
  ],
  [services, { spec: {} }, "spec.ports: Required value"],
  [
    services,
    { spec: { ports: [{ port: 80, nodePort: 30_000 }] } },
    "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
  ],
  [
    services,
    { spec: { type: "LoadBalancer", ports: PORTS, healthCheckNodePort: 30_000 } },
    "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
  ],
  [
    services,
    { spec: { ports: [{ port: 0, targetPort: 80 }] } },
    "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
  ],
  [
    services,
    { spec: { ports: [{ port: 80 }, { port: 81, name: "b" }] } },
    "spec.ports[0].name: Required value",
  ],
  [
    services,
    { spec: { type: "NodePort", clusterIP: "None", ports: PORTS } },
    `spec.clusterIPs[0]: Invalid value: "None": may not be set to 'None' for NodePort services`,
  ],
  [services, { spec: { type: "ExternalName" } }, "spec.externalName: Required value"],
  [
    services,
    { spec: { ports: PORTS, externalTrafficPolicy: "Local" } },
    'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
  ],
  [
    services,
    { spec: { ports: PORTS, clusterIP: "10.0" } },
    `spec.clusterIPs[0]: Invalid value: "10.0": must be empty, 'None', or a valid IP address`,
  ],
  [deployments, { spec: { template: TEMPLATE } }, "spec.selector: Required value"],
  [
    deployments,
    { spec: { ...WORKLOAD, selector: { matchLabels: { app: "b" } } } },
    'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`',
  ],
  [
    deployments,
    { spec: { ...WORKLOAD, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: "0%" } } } },
    'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0',
  ],
  [
    deployments,
    { spec: { ...WORKLOAD, strategy: { type: "Recreate", rollingUpdate: {} } } },
    "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
  ],
  [
    deployments,
    { spec: { ...WORKLOAD, replicas: -1 } },
    "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
  ],
  [
    daemonSets,
    { spec: { ...WORKLOAD, updateStrategy: { rollingUpdate: { maxUnavailable: "101%" } } } },
    'spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
  ],
  [
    replicaSets,
    { spec: { ...WORKLOAD, template: { ...TEMPLATE, spec: {} } } },
    "spec.template.spec.containers: Required value",
  ],
  [controllerRevisions, { revision: 1 }, "data: Required value: data is mandatory"],
  [
    endpointSlices,
    { addressType: "IPv6", endpoints: [{ addresses: ["10.0.0.1"] }], ports: [] },
    'endpoints[0].addresses[0]: Invalid value: "10.0.0.1": must be a valid IPv6 address',
  ],
  [
    endpoints,
    { subsets: [{ ports: PORTS }] },
    "subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`",
  ],
  [
    leases,
    { spec: { leaseDurationSeconds: 0 } },
    "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
  ],
  [
    nodes,
    { spec: { taints: [{ key: "a", effect: "Never" }] } },
    'spec.taints[0].effect: Unsupported value: "Never": supported values: "NoExecute", "NoSchedule", "PreferNoSchedule"',
  ],
  [
    events,
    { involvedObject: { kind: "Pod", namespace: "other" } },
    'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
  ],
  [
    podDisruptionBudgets,
    { spec: { minAvailable: "half" } },
    `spec.minAvailable: Invalid value: "half": must be an integer or percentage (e.g '5%')`,
  ],
  [
    priorityClasses,
    { value: 1_000_000_001 },
    "value: Forbidden: maximum allowed value of a user defined priority is 1000000000",
  ],
  [
    priorityClasses,
    { metadata: { name: "system-mine" }, value: 1 },
    "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only",
  ],
  [
    roles,
    { rules: [{ verbs: ["get"], nonResourceURLs: ["/x"] }] },
    'rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs',
  ],
  [
    roles,
    { rules: [{ ...RULE, verbs: [] }] },
    "rules[0].verbs: Required value: verbs must contain at least one value",
  ],
  [
    roleBindings,
    { roleRef: ROLE, subjects: [{ kind: "ServiceAccount", name: "s" }] },
    "subjects[0].namespace: Required value",
  ],
];

for (const [resource, fields, says] of WRONG) {
  test(`a ${resource.kind} is refused: ${says.slice(0, 80)}`, () => {
    assert.deepEqual(problems(resource, fields), [says]);
  });
}

const UPDATES: readonly (readonly [
  what: string,
  Resource,
  before: JsonObject,
  after: JsonObject,
  says: readonly string[],
])[] = [
  ["data that is not immutable", configMaps, { data: { a: "1" } }, { data: { a: "2" } }, []],
  [
    "immutable data",
    configMaps,
    { immutable: true, data: { a: "1" } },
    { immutable: true, data: { a: "2" } },
    ["data: Forbidden: field is immutable when `immutable` is set"],
  ],
  [
    "a secret's type",
    secrets,
    { type: "Opaque" },
    { type: "mine" },
    ['type: Invalid value: "mine": field is immutable'],
  ],
  [
    "a Deployment's selector",
    deployments,
    { spec: { ...WORKLOAD, selector: { matchLabels: { app: "a", b: "c" } } } },
    { spec: WORKLOAD },
    ['spec.selector: Invalid value: {"matchLabels":{"app":"a"}}: field is immutable'],
  ],
  [
    "a service's address",
    services,
    { spec: { ports: PORTS, clusterIP: "10.0.0.1" } },
    { spec: { ports: PORTS, clusterIP: "10.0.0.2" } },
    ['spec.clusterIPs[0]: Invalid value: "10.0.0.2": may not change once set'],
  ],
  [
    "a service's address by leaving it out",
    services,
    { spec: { ports: PORTS, clusterIP: "10.0.0.1" } },
    { spec: { ports: PORTS } },
    [],
  ],
  [
    "a service's type, with what only the old one had",
    services,
    { spec: { ports: PORTS, type: "NodePort" } },
    { spec: { ports: PORTS, externalTrafficPolicy: "Cluster" } },
    [],
  ],
  [
    "a binding's role",
    roleBindings,
    { roleRef: ROLE },
    { roleRef: { ...ROLE, name: "other" } },
    [
      `roleRef: Invalid value: ${JSON.stringify({ ...ROLE, name: "other" })}: cannot change roleRef`,
    ],
  ],
  [
    "a class's value",
    priorityClasses,
    { value: 1 },
    { value: 2 },
    ["value: Forbidden: may not be changed in an update."],
  ],
  [
    "history",
    controllerRevisions,
    { data: { a: 1 }, revision: 1 },
    { data: { a: 1 }, revision: 2 },
    [],
  ],
];

for (const [what, resource, before, after, says] of UPDATES) {
  test(`an update ${says.length === 0 ? "may change" : "may not change"} ${what}`, () => {
    assert.deepEqual(updated(resource, before, after), says);
  });
}

test("an object that is being deleted takes no new finalizers", () => {
  const old = made(configMaps, {
    metadata: { deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: ["a.io/x"] },
  });
  const more = { ...(old["metadata"] as JsonObject), finalizers: ["a.io/x", "a.io/y"] };
  const fewer = { ...(old["metadata"] as JsonObject), finalizers: [] };
  const causes = (metadata: JsonObject) =>
    rules.validateUpdate(configMaps, { ...old, metadata }, old, undefined);
  assert.deepEqual(
    causes(more).map(({ field }) => field),
    ["metadata.finalizers"],
  );
  assert.deepEqual(causes(fewer), []);
});

test("workloads show the strategy that is in force", () => {
  const { spec: deployment } = made(deployments, { spec: WORKLOAD });
  const rollingUpdate = { maxSurge: "25%", maxUnavailable: "25%" };
  assert.deepEqual((deployment as JsonObject)["strategy"], {
    type: "RollingUpdate",
    rollingUpdate,
  });
  const { spec: daemons } = made(daemonSets, { spec: WORKLOAD });
  const oneByOne = { maxSurge: 0, maxUnavailable: 1 };
  assert.deepEqual((daemons as JsonObject)["updateStrategy"], {
    type: "RollingUpdate",
    rollingUpdate: oneByOne,
  });
});

test("the status route changes the status alone, the main route all but the status", () => {
  const old = made(deployments, { spec: WORKLOAD });
  const next = {
    ...old,
    spec: { ...WORKLOAD, paused: true },
    status: { replicas: 3 },
  } as JsonObject;
  const main = rules.prepareForUpdate(deployments, next, old, undefined);
  assert.deepEqual(main["status"], {});
  assert.equal((main["spec"] as JsonObject)["paused"], true);
  const status = rules.prepareForUpdate(deployments, next, old, "status");
  assert.deepEqual(status["status"], { replicas: 3 });
  assert.deepEqual(status["spec"], old["spec"]);
});
