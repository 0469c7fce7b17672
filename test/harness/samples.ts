/** A small valid object of each kind that can be created, by `group/plural` as resources name themselves. */
import type { JsonObject } from "#lib/json";
import { apiVersionOf, isQuestion, RESOURCES, type Resource } from "#resources";

const CONTAINERS = [{ name: "c", image: "x" }];
const POD_SPEC: JsonObject = { containers: CONTAINERS };
const SELECTOR: JsonObject = { matchLabels: { app: "s" } };
const TEMPLATE: JsonObject = { metadata: { labels: { app: "s" } }, spec: POD_SPEC };
const JOB_TEMPLATE: JsonObject = { spec: { restartPolicy: "Never", ...POD_SPEC } };
const REQUEST = { name: "n", apiGroup: "rbac.authorization.k8s.io" };
const WEBHOOK: JsonObject = {
  name: "hook.example.com",
  admissionReviewVersions: ["v1"],
  sideEffects: "None",
  failurePolicy: "Ignore",
  clientConfig: { url: "https://127.0.0.1:1/" },
  rules: [
    {
      apiGroups: ["none.example"],
      apiVersions: ["v1"],
      operations: ["CREATE"],
      resources: ["nothing"],
    },
  ],
};
const MATCH: JsonObject = {
  resourceRules: [
    {
      apiGroups: ["none.example"],
      apiVersions: ["v1"],
      operations: ["CREATE"],
      resources: ["nothing"],
    },
  ],
};
const MUTATION: JsonObject = {
  matchConstraints: MATCH,
  reinvocationPolicy: "Never",
  mutations: [
    {
      patchType: "ApplyConfiguration",
      applyConfiguration: { expression: 'Object{metadata: Object.metadata{labels: {"a": "b"}}}' },
    },
  ],
};

const SAMPLES: Readonly<Record<string, JsonObject>> = {
  "/configmaps": { data: { a: "b" } },
  "/endpoints": { subsets: [{ addresses: [{ ip: "10.9.8.7" }], ports: [{ port: 80 }] }] },
  "/events": {
    involvedObject: { kind: "Pod", namespace: "default", name: "p" },
    reason: "Sampled",
    type: "Normal",
  },
  "/limitranges": { spec: { limits: [{ type: "Container", max: { cpu: "9" } }] } },
  "/namespaces": {},
  "/nodes": {},
  "/persistentvolumeclaims": {
    spec: {
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: "1Mi" } },
      storageClassName: "none",
    },
  },
  "/persistentvolumes": {
    spec: {
      capacity: { storage: "1Mi" },
      accessModes: ["ReadWriteOnce"],
      hostPath: { path: "/tmp/none" },
    },
  },
  "/pods": { spec: POD_SPEC },
  "/podtemplates": { template: TEMPLATE },
  "/replicationcontrollers": { spec: { replicas: 0, selector: { app: "s" }, template: TEMPLATE } },
  "/resourcequotas": { spec: { hard: { "count/widgets.example.com": "7" } } },
  "/secrets": { type: "Opaque", stringData: { a: "b" } },
  "/serviceaccounts": {},
  "/services": { spec: { ports: [{ port: 80 }], selector: { app: "s" } } },
  "admissionregistration.k8s.io/mutatingwebhookconfigurations": { webhooks: [WEBHOOK] },
  "admissionregistration.k8s.io/validatingwebhookconfigurations": { webhooks: [WEBHOOK] },
  "admissionregistration.k8s.io/validatingadmissionpolicies": {
    spec: { matchConstraints: MATCH, validations: [{ expression: "true" }] },
  },
  "admissionregistration.k8s.io/validatingadmissionpolicybindings": {
    spec: { policyName: "none", validationActions: ["Deny"] },
  },
  "admissionregistration.k8s.io/mutatingadmissionpolicies": { spec: MUTATION },
  "admissionregistration.k8s.io/mutatingadmissionpolicybindings": { spec: { policyName: "none" } },
  "apps/controllerrevisions": { revision: 1, data: { spec: {} } },
  "apps/daemonsets": { spec: { selector: SELECTOR, template: TEMPLATE } },
  "apps/deployments": { spec: { replicas: 0, selector: SELECTOR, template: TEMPLATE } },
  "apps/replicasets": { spec: { replicas: 0, selector: SELECTOR, template: TEMPLATE } },
  "apps/statefulsets": {
    spec: { replicas: 0, serviceName: "s", selector: SELECTOR, template: TEMPLATE },
  },
  "autoscaling/horizontalpodautoscalers": {
    spec: {
      maxReplicas: 3,
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "none" },
    },
  },
  "batch/cronjobs": {
    spec: { schedule: "@yearly", suspend: true, jobTemplate: { spec: { template: JOB_TEMPLATE } } },
  },
  "batch/jobs": { spec: { suspend: true, template: JOB_TEMPLATE } },
  "coordination.k8s.io/leases": { spec: { holderIdentity: "me", leaseDurationSeconds: 9 } },
  "discovery.k8s.io/endpointslices": {
    addressType: "IPv4",
    endpoints: [{ addresses: ["10.9.8.7"] }],
    ports: [{ port: 80 }],
  },
  "events.k8s.io/events": {
    eventTime: "2026-01-01T00:00:00.000000Z",
    action: "Sample",
    reason: "Sampled",
    type: "Normal",
    reportingController: "example.com/sampler",
    reportingInstance: "sampler-1",
    regarding: { kind: "Pod", namespace: "default", name: "p" },
  },
  "flowcontrol.apiserver.k8s.io/flowschemas": {
    spec: { matchingPrecedence: 9000, priorityLevelConfiguration: { name: "none" } },
  },
  "flowcontrol.apiserver.k8s.io/prioritylevelconfigurations": {
    spec: {
      type: "Limited",
      limited: { nominalConcurrencyShares: 1, limitResponse: { type: "Reject" } },
    },
  },
  "networking.k8s.io/ingressclasses": { spec: { controller: "example.com/none" } },
  "networking.k8s.io/ingresses": {
    spec: { defaultBackend: { service: { name: "s", port: { number: 80 } } } },
  },
  "networking.k8s.io/networkpolicies": { spec: { podSelector: {} } },
  "node.k8s.io/runtimeclasses": { handler: "none" },
  "policy/poddisruptionbudgets": { spec: { minAvailable: 1, selector: SELECTOR } },
  "rbac.authorization.k8s.io/clusterrolebindings": {
    roleRef: { ...REQUEST, kind: "ClusterRole" },
    subjects: [],
  },
  "rbac.authorization.k8s.io/clusterroles": {
    rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }],
  },
  "rbac.authorization.k8s.io/rolebindings": { roleRef: { ...REQUEST, kind: "Role" }, subjects: [] },
  "rbac.authorization.k8s.io/roles": {
    rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }],
  },
  "scheduling.k8s.io/priorityclasses": { value: 7 },
  "storage.k8s.io/csidrivers": { spec: { attachRequired: false } },
  "storage.k8s.io/csinodes": { spec: { drivers: [] } },
  "storage.k8s.io/csistoragecapacities": { storageClassName: "none", capacity: "1Gi" },
  "storage.k8s.io/storageclasses": { provisioner: "example.com/none" },
  "storage.k8s.io/volumeattachments": {
    spec: { attacher: "example.com", nodeName: "n", source: { persistentVolumeName: "v" } },
  },
  "storage.k8s.io/volumeattributesclasses": { driverName: "example.com", parameters: { a: "b" } },
};

export interface Sample {
  readonly resource: Resource;
  /** Without apiVersion, kind and name. */
  readonly object: JsonObject;
}

/** Of each kind that is served and of which there is a sample. */
export const samples: readonly Sample[] = RESOURCES.filter((each) => !isQuestion(each)).flatMap(
  (resource) => {
    const object = SAMPLES[`${resource.group}/${resource.plural}`];
    return object === undefined ? [] : [{ resource, object }];
  },
);

export function sampleOf({ object, resource }: Sample, name: string): JsonObject {
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object, metadata: { name } };
}

/** Of the collection; in a namespace for what is in one. */
export function pathOf(resource: Resource, namespace = "default"): string {
  const root = resource.group === "" ? "/api/v1" : `/apis/${apiVersionOf(resource)}`;
  return resource.namespaced
    ? `${root}/namespaces/${namespace}/${resource.plural}`
    : `${root}/${resource.plural}`;
}
