import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApiObject } from "#proto";
import type { Pod, ResourceQuota } from "#proto/core/v1";
import {
  configMaps,
  deployments,
  persistentVolumeClaims,
  pods,
  type Resource,
  services,
} from "#resources";
import { amountsText } from "./amounts.ts";
import { isInScope, type Scope } from "./scopes.ts";
import { isUsedBy, usageOf } from "./usage.ts";

const NOW_MS = Date.UTC(2026, 0, 2);

const container = (requests: object, limits: object = {}, more: object = {}): object => ({
  name: "c",
  resources: { requests, limits },
  ...more,
});
const pod = (containers: readonly object[], spec: object = {}, more: object = {}): ApiObject =>
  ({ metadata: { name: "p" }, status: {}, spec: { containers, ...spec }, ...more }) as never;

const USAGES: readonly (readonly [string, Resource, ApiObject, used: string])[] = [
  ["a pod that asks for nothing", pods, pod([container({})]), "count/pods=1,pods=1"],
  [
    "requests and limits, init containers at their worst",
    pods,
    pod([container({ cpu: "100m", memory: "1Gi" }, { cpu: "1" }), container({ cpu: "200m" })], {
      initContainers: [container({ cpu: "2" })],
    }),
    "count/pods=1,cpu=2,limits.cpu=1,memory=1Gi,pods=1,requests.cpu=2,requests.memory=1Gi",
  ],
  [
    "devices and huge pages",
    pods,
    pod([
      container(
        { "example.com/gpu": "2", "hugepages-2Mi": "4Mi" },
        { "example.com/gpu": "2", "hugepages-2Mi": "4Mi" },
      ),
    ]),
    "count/pods=1,hugepages-2Mi=4Mi,pods=1,requests.example.com/gpu=2,requests.hugepages-2Mi=4Mi",
  ],
  [
    "a pod that has ended",
    pods,
    pod([container({ cpu: "1" })], {}, { status: { phase: "Succeeded" } }),
    "count/pods=1",
  ],
  [
    "a pod that should be gone",
    pods,
    pod(
      [container({ cpu: "1" })],
      {},
      {
        metadata: { deletionTimestamp: "2026-01-01T00:00:00Z", deletionGracePeriodSeconds: 30 },
      },
    ),
    "count/pods=1",
  ],
  ["a ConfigMap", configMaps, { data: {} } as never, "configmaps=1,count/configmaps=1"],
  ["a Deployment", deployments, {} as never, "count/deployments.apps=1"],
  [
    "a Service inside the cluster",
    services,
    { spec: { type: "ClusterIP", ports: [{}] } } as never,
    "count/services=1,services=1,services.loadbalancers=0,services.nodeports=0",
  ],
  [
    "a Service with a balancer",
    services,
    { spec: { type: "LoadBalancer", ports: [{}, {}] } } as never,
    "count/services=1,services=1,services.loadbalancers=1,services.nodeports=2",
  ],
  [
    "a balancer that does without node ports, but for one",
    services,
    {
      spec: {
        type: "LoadBalancer",
        allocateLoadBalancerNodePorts: false,
        ports: [{ nodePort: 30_000 }, {}],
      },
    } as never,
    "count/services=1,services=1,services.loadbalancers=1,services.nodeports=1",
  ],
  [
    "a claim of a class",
    persistentVolumeClaims,
    { spec: { storageClassName: "gold", resources: { requests: { storage: "5Gi" } } } } as never,
    "count/persistentvolumeclaims=1,gold.storageclass.storage.k8s.io/persistentvolumeclaims=1,gold.storageclass.storage.k8s.io/requests.storage=5Gi,persistentvolumeclaims=1,requests.storage=5Gi",
  ],
];

for (const [what, resource, object, used] of USAGES) {
  test(`usageOf() ${what}`, () => {
    const usage = usageOf(resource, object, NOW_MS);
    assert.equal(amountsText(usage), used);
    assert.ok(Object.keys(usage).every((name) => isUsedBy(resource, name)));
  });
}

test("isUsedBy() keeps kinds apart", () => {
  assert.equal(isUsedBy(pods, "services"), false);
  assert.equal(isUsedBy(pods, "requests.storage"), false);
  assert.equal(isUsedBy(configMaps, "count/secrets"), false);
  assert.equal(isUsedBy(services, "cpu"), false);
});

const quotaOf = (...scopes: readonly Scope[]): Pick<ResourceQuota, "spec"> => ({
  spec: { scopeSelector: { matchExpressions: scopes as never } },
});
const exists = (scopeName: string): Scope => ({ scopeName, operator: "Exists" });
const classes = (operator: string, ...values: readonly string[]): Scope => ({
  scopeName: "PriorityClass",
  operator,
  values,
});
const plain = pod([container({})]);
const asking = pod([container({ cpu: "1" })]);
const limited = pod([container({})], { activeDeadlineSeconds: 5 });
const high = pod([container({})], { priorityClassName: "high" });
const near = (term: object): ApiObject =>
  pod([container({})], {
    affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } },
  });

const SCOPES: readonly (readonly [Scope, pod: ApiObject, isIn: boolean])[] = [
  [exists("BestEffort"), plain, true],
  [exists("BestEffort"), asking, false],
  [exists("NotBestEffort"), asking, true],
  [exists("Terminating"), limited, true],
  [exists("Terminating"), plain, false],
  [exists("NotTerminating"), plain, true],
  [classes("Exists"), high, true],
  [classes("Exists"), plain, false],
  [classes("DoesNotExist"), plain, true],
  [classes("In", "high", "low"), high, true],
  [classes("In", "low"), high, false],
  [classes("NotIn", "low"), high, true],
  [exists("CrossNamespacePodAffinity"), near({ namespaceSelector: {} }), true],
  [exists("CrossNamespacePodAffinity"), near({ namespaces: ["other"] }), true],
  [exists("CrossNamespacePodAffinity"), near({}), false],
];

for (const [scope, object, isIn] of SCOPES) {
  const { operator, scopeName, values = [] } = scope;
  test(`isInScope() ${scopeName} ${operator} ${values} of ${JSON.stringify((object as Pod).spec)}: ${isIn}`, () => {
    assert.equal(isInScope(quotaOf(scope), pods, object), isIn);
  });
}

test("isInScope() wants all scopes, and only pods have any", () => {
  const both = quotaOf(exists("BestEffort"), exists("Terminating"));
  assert.equal(isInScope(both, pods, plain), false);
  assert.equal(isInScope(both, pods, limited), true);
  assert.equal(isInScope(quotaOf(exists("BestEffort")), services, {} as never), false);
  assert.equal(isInScope({ spec: { scopes: ["BestEffort"] } }, pods, asking), false);
  assert.equal(isInScope({ spec: {} }, services, {} as never), true);
});
