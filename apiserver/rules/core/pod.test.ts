import assert from "node:assert/strict";
import { test } from "node:test";
import { applyDefaults } from "#codec";
import type { JsonObject, JsonValue } from "#lib/json";
import type { ApiObject } from "#proto";
import { pods } from "#resources";
import { rules } from "../index.ts";

const KIND = { apiVersion: "v1", kind: "Pod" };

/** A pod as it comes out of decoding and defaulting, with these fields in its spec and in its container. */
function pod(spec: JsonObject = {}, container: JsonObject = {}): JsonObject {
  const containers = [{ name: "c", image: "app", ...container }];
  const given = { ...KIND, metadata: { name: "p", namespace: "d" }, spec: { containers, ...spec } };
  const object = applyDefaults(KIND, given as unknown as ApiObject) as unknown as JsonObject;
  return rules.prepareForCreate(pods, object);
}

function problems(object: JsonObject): readonly string[] {
  return rules.validateCreate(pods, object).map(({ field, message }) => `${field}: ${message}`);
}

const affinity = (kind: string, terms: JsonValue): JsonObject => ({ affinity: { [kind]: terms } });
const HARD = "requiredDuringSchedulingIgnoredDuringExecution";
const volume = (source: JsonObject): JsonObject => ({ volumes: [{ name: "v", ...source }] });

const WELL: readonly { readonly name: string; readonly object: JsonObject }[] = [
  { name: "a plain pod", object: pod() },
  { name: "a volume of no kind, an empty directory", object: pod(volume({})) },
  {
    name: "every kind of reference",
    object: pod(
      {},
      {
        env: [
          { name: "A", valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
          { name: "B", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } },
          { name: "C", valueFrom: { secretKeyRef: { name: "s", key: "k" } } },
        ],
        envFrom: [{ prefix: "X_", configMapRef: { name: "m" } }],
      },
    ),
  },
  {
    name: "probes and hooks",
    object: pod(
      {},
      {
        ports: [{ containerPort: 80, name: "http" }],
        livenessProbe: { httpGet: { port: "http" } },
        readinessProbe: { grpc: { port: 9000 } },
        lifecycle: { preStop: { sleep: { seconds: 3 } } },
      },
    ),
  },
  {
    name: "a sidecar with a probe",
    object: pod({
      initContainers: [
        {
          name: "s",
          image: "x",
          restartPolicy: "Always",
          startupProbe: { exec: { command: ["true"] } },
        },
      ],
    }),
  },
  {
    name: "affinity to nodes and pods",
    object: pod({
      affinity: {
        nodeAffinity: {
          [HARD]: { nodeSelectorTerms: [{ matchExpressions: [{ key: "a", operator: "Exists" }] }] },
        },
        podAntiAffinity: {
          [HARD]: [
            { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { a: "b" } } },
          ],
        },
      },
    }),
  },
];

for (const { name, object } of WELL) {
  test(`a pod may have ${name}`, () => assert.deepEqual(problems(object), []));
}

const WRONG: readonly { readonly object: JsonObject; readonly says: string }[] = [
  { object: pod({ containers: [] }), says: "spec.containers: Required value" },
  { object: pod({}, { image: "" }), says: "spec.containers[0].image: Required value" },
  {
    object: pod({}, { image: " app" }),
    says: 'spec.containers[0].image: Invalid value: " app": must not have leading or trailing whitespace',
  },
  {
    object: pod({ initContainers: [{ name: "c", image: "x" }] }),
    says: 'spec.containers[0].name: Duplicate value: "c"',
  },
  {
    object: pod({ restartPolicy: "Sometimes" }),
    says: 'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"',
  },
  {
    object: pod({}, { volumeMounts: [{ name: "gone", mountPath: "/x" }] }),
    says: 'spec.containers[0].volumeMounts[0].name: Not found: "gone"',
  },
  {
    object: pod({}, { resources: { requests: { cpu: "2" }, limits: { cpu: "1" } } }),
    says: 'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
  },
  {
    object: pod({}, { resources: { requests: { "a.io/gpu": "1" } } }),
    says: 'spec.containers[0].resources.requests[a.io/gpu]: Invalid value: "1": Limit must be set for non overcommitable resources',
  },
  {
    object: pod(
      {},
      {
        ports: [
          { containerPort: 80, hostPort: 8080 },
          { containerPort: 81, hostPort: 8080 },
        ],
      },
    ),
    says: 'spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//8080"',
  },
  {
    object: pod(
      {},
      { env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "spec.hostname" } } }] },
    ),
    says: 'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "spec.hostname": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"',
  },
  {
    object: pod({}, { livenessProbe: { exec: { command: ["a"] }, tcpSocket: { port: 1 } } }),
    says: "spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
  },
  {
    object: pod({}, { livenessProbe: { httpGet: { port: 0 } } }),
    says: "spec.containers[0].livenessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive",
  },
  {
    object: pod({
      initContainers: [{ name: "i", image: "x", lifecycle: { preStop: { sleep: {} } } }],
    }),
    says: "spec.initContainers[0].lifecycle: Forbidden: may not be set for init containers without restartPolicy=Always",
  },
  {
    object: pod({}, { securityContext: { privileged: true, allowPrivilegeEscalation: false } }),
    says: 'spec.containers[0].securityContext: Invalid value: "": cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
  },
  {
    object: pod({ securityContext: { seccompProfile: { type: "Localhost" } } }),
    says: "spec.securityContext.seccompProfile.localhostProfile: Required value: must be set when profile type is Localhost",
  },
  {
    object: pod({
      securityContext: { seccompProfile: { type: "Localhost", localhostProfile: "../x" } },
    }),
    says: `spec.securityContext.seccompProfile.localhostProfile: Invalid value: "../x": must not contain '..'`,
  },
  {
    object: pod({ hostPID: true, shareProcessNamespace: true }),
    says: "spec.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled",
  },
  {
    object: pod(volume({ hostPath: { path: "/a/../b" } })),
    says: `spec.volumes[0].hostPath.path: Invalid value: "/a/../b": must not contain '..'`,
  },
  {
    object: pod(volume({ secret: { secretName: "s", items: [{ key: "k", path: "/etc/x" }] } })),
    says: 'spec.volumes[0].secret.items[0].path: Invalid value: "/etc/x": must be a relative path',
  },
  {
    object: pod(volume({ secret: { secretName: "s" }, configMap: { name: "m" } })),
    says: "spec.volumes[0].configMap: Forbidden: may not specify more than 1 volume type",
  },
  {
    object: pod(affinity("nodeAffinity", { [HARD]: { nodeSelectorTerms: [] } })),
    says: `spec.affinity.nodeAffinity.${HARD}.nodeSelectorTerms: Required value: must have at least one node selector term`,
  },
  {
    object: pod(affinity("podAffinity", { [HARD]: [{}] })),
    says: `spec.affinity.podAffinity.${HARD}[0].topologyKey: Required value: can not be empty`,
  },
  {
    object: pod({
      topologySpreadConstraints: [
        { maxSkew: 0, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule" },
      ],
    }),
    says: "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than 0",
  },
  {
    object: pod({ tolerations: [{ operator: "Equal" }] }),
    says: 'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
  },
  {
    object: pod({ dnsPolicy: "None" }),
    says: "spec.dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when `dnsPolicy` is None",
  },
  {
    object: pod({ nodeName: "n", schedulingGates: [{ name: "wait" }] }),
    says: "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared",
  },
];

for (const { object, says } of WRONG) {
  test(`a pod is refused: ${says.slice(0, 90)}`, () => assert.deepEqual(problems(object), [says]));
}

test("a pod gets what it leaves out", () => {
  const { spec, status } = pod(
    { hostNetwork: true, volumes: [{ name: "v" }] },
    {
      ports: [{ containerPort: 80 }],
      resources: { limits: { cpu: "1" }, requests: { memory: "1Mi" } },
    },
  ) as { readonly spec: JsonObject; readonly status: JsonObject };
  const [container] = spec["containers"] as readonly JsonObject[];
  assert.equal(spec["serviceAccountName"], "default");
  assert.deepEqual(spec["volumes"], [{ name: "v", emptyDir: {} }]);
  assert.deepEqual(container?.["ports"], [{ containerPort: 80, hostPort: 80, protocol: "TCP" }]);
  assert.deepEqual(container?.["resources"], {
    limits: { cpu: "1" },
    requests: { cpu: "1", memory: "1Mi" },
  });
  assert.deepEqual(status, { phase: "Pending", qosClass: "Burstable" });
});

const UPDATES: readonly {
  readonly name: string;
  readonly before?: JsonObject;
  readonly after: JsonObject;
  readonly field?: string;
}[] = [
  { name: "the image", after: pod({}, { image: "other" }) },
  { name: "a first deadline", after: pod({ activeDeadlineSeconds: 9 }) },
  {
    name: "more tolerations",
    before: pod({ tolerations: [{ key: "a", operator: "Exists" }] }),
    after: pod({
      tolerations: [
        { key: "a", operator: "Exists" },
        { key: "b", operator: "Exists" },
      ],
    }),
  },
  { name: "fewer gates", before: pod({ schedulingGates: [{ name: "g" }] }), after: pod() },
  { name: "the command", after: pod({}, { command: ["x"] }), field: "spec" },
  { name: "the node", after: pod({ nodeName: "elsewhere" }), field: "spec" },
  { name: "the grace period", after: pod({ terminationGracePeriodSeconds: 1 }), field: "spec" },
  {
    name: "a later deadline",
    before: pod({ activeDeadlineSeconds: 5 }),
    after: pod({ activeDeadlineSeconds: 6 }),
    field: "spec.activeDeadlineSeconds",
  },
  {
    name: "a toleration",
    before: pod({ tolerations: [{ key: "a", operator: "Exists" }] }),
    after: pod({ tolerations: [{ key: "b", operator: "Exists" }] }),
    field: "spec.tolerations",
  },
  {
    name: "one more container",
    after: pod({
      containers: [
        { name: "c", image: "app" },
        { name: "d", image: "app" },
      ],
    }),
    field: "spec.containers",
  },
  {
    name: "a new gate",
    after: pod({ schedulingGates: [{ name: "g" }] }),
    field: "spec.schedulingGates[0].name",
  },
];

for (const { after, before = pod(), field, name } of UPDATES) {
  test(`an update may ${field === undefined ? "" : "not "}change ${name}`, () => {
    const causes = rules.validateUpdate(pods, after, before, undefined);
    assert.deepEqual(
      causes.map((each) => each.field),
      field === undefined ? [] : [field],
    );
  });
}
