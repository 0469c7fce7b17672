/**
 * What each controller may: a service account in kube-system of its own, bound to `system:controller:NAME`. The rules are
 * those of Kubernetes 1.36, also for controllers that do not exist here; what Naru's need besides stands apart.
 */
import type { PolicyRule } from "#proto/rbac/v1";
import type { DefaultBinding, DefaultRole } from "./default-roles.ts";
import { EVENTS, named, rule } from "./new-rule.ts";

const READ = "get list watch";
const SEE = "list watch";
const CERTIFICATES = "certificates.k8s.io";
const SIGNERS =
  "kube-apiserver-client kube-apiserver-client-kubelet kubelet-serving legacy-unknown";

type Rules = Readonly<Record<string, readonly PolicyRule[]>>;

const WORKLOADS: Rules = {
  "cronjob-controller": [
    rule(`${READ} update`, "batch", "cronjobs"),
    rule(`${READ} create update delete patch`, "batch", "jobs"),
    rule("update", "batch", "cronjobs/finalizers cronjobs/status"),
    rule(`${SEE} delete`, "core", "pods"),
    EVENTS,
  ],
  "daemon-set-controller": [
    rule(READ, "apps extensions", "daemonsets"),
    rule("update", "apps extensions", "daemonsets/finalizers daemonsets/status"),
    rule(SEE, "core", "nodes"),
    rule(`${SEE} create delete patch`, "core", "pods"),
    rule("create", "core", "pods/binding"),
    rule(`${READ} create delete patch update`, "apps", "controllerrevisions"),
    EVENTS,
  ],
  "deployment-controller": [
    rule(`${READ} update`, "apps extensions", "deployments"),
    rule("update", "apps extensions", "deployments/finalizers deployments/status"),
    rule(`${READ} create delete patch update`, "apps extensions", "replicasets"),
    rule(`${READ} update`, "core", "pods"),
    EVENTS,
  ],
  "job-controller": [
    rule(`${READ} patch update`, "batch", "jobs"),
    rule("update", "batch", "jobs/finalizers jobs/status"),
    rule(`${SEE} create delete patch`, "core", "pods"),
    EVENTS,
  ],
  "replicaset-controller": [
    rule(`${READ} update`, "apps extensions", "replicasets"),
    rule("update", "apps extensions", "replicasets/finalizers replicasets/status"),
    rule(`${SEE} create delete patch`, "core", "pods"),
    EVENTS,
  ],
  "replication-controller": [
    rule(`${READ} update`, "core", "replicationcontrollers"),
    rule("update", "core", "replicationcontrollers/finalizers replicationcontrollers/status"),
    rule(`${SEE} create delete patch`, "core", "pods"),
    EVENTS,
  ],
  "statefulset-controller": [
    rule(READ, "apps", "statefulsets"),
    rule("update", "apps", "statefulsets/finalizers statefulsets/status"),
    rule(`${READ} create delete patch update`, "core", "pods"),
    rule("update", "core", "pods/finalizers"),
    rule(`${READ} create delete patch update`, "apps", "controllerrevisions"),
    rule(`${READ} create delete update`, "core", "persistentvolumeclaims"),
    EVENTS,
  ],
  "ttl-after-finished-controller": [rule(`${READ} delete`, "batch", "jobs"), EVENTS],
  "disruption-controller": [
    rule(READ, "apps extensions", "deployments replicasets"),
    rule(READ, "core", "replicationcontrollers"),
    rule(READ, "policy", "poddisruptionbudgets"),
    rule(READ, "apps", "statefulsets"),
    rule("update", "policy", "poddisruptionbudgets/status"),
    rule("patch update", "core", "pods/status"),
    rule("get", "*", "*/scale"),
    EVENTS,
  ],
  "horizontal-pod-autoscaler": [
    rule(READ, "autoscaling", "horizontalpodautoscalers"),
    rule("update", "autoscaling", "horizontalpodautoscalers/status"),
    rule("get update", "*", "*/scale"),
    rule(SEE, "core metrics.k8s.io", "pods"),
    rule(READ, "custom.metrics.k8s.io external.metrics.k8s.io", "*"),
    EVENTS,
  ],
};

const NETWORK: Rules = {
  "endpoint-controller": [
    rule(READ, "core", "pods services"),
    rule(`${READ} create delete update`, "core", "endpoints"),
    rule("create", "core", "endpoints/restricted"),
    EVENTS,
  ],
  "endpointslice-controller": [
    rule(READ, "core", "nodes pods services"),
    rule("update", "core", "services/finalizers"),
    rule(`${READ} create delete update`, "discovery.k8s.io", "endpointslices"),
    EVENTS,
  ],
  "endpointslicemirroring-controller": [
    rule(READ, "core", "endpoints services"),
    rule("update", "core", "endpoints/finalizers services/finalizers"),
    rule(`${READ} create delete update`, "discovery.k8s.io", "endpointslices"),
    EVENTS,
  ],
  "route-controller": [rule(SEE, "core", "nodes"), rule("patch", "core", "nodes/status"), EVENTS],
  "service-cidrs-controller": [
    rule(`${READ} patch update`, "networking.k8s.io", "servicecidrs"),
    rule("patch update", "networking.k8s.io", "servicecidrs/finalizers servicecidrs/status"),
    rule(READ, "networking.k8s.io", "ipaddresses"),
    EVENTS,
  ],
  "service-controller": [
    rule(READ, "core", "services"),
    rule("patch update", "core", "services/status"),
    rule(SEE, "core", "nodes"),
    EVENTS,
  ],
};

const STORAGE: Rules = {
  "attachdetach-controller": [
    rule(SEE, "core", "persistentvolumeclaims persistentvolumes pods"),
    rule(READ, "core", "nodes"),
    rule("patch update", "core", "nodes/status"),
    rule(`${READ} create delete`, "storage.k8s.io", "volumeattachments"),
    rule(READ, "storage.k8s.io", "csidrivers csinodes"),
    EVENTS,
  ],
  "ephemeral-volume-controller": [
    rule(READ, "core", "pods"),
    rule("update", "core", "pods/finalizers"),
    rule(`${READ} create`, "core", "persistentvolumeclaims"),
    EVENTS,
  ],
  "expand-controller": [
    rule(`${READ} patch update`, "core", "persistentvolumes"),
    rule("patch update", "core", "persistentvolumeclaims/status"),
    rule(READ, "core", "persistentvolumeclaims"),
    rule("get", "core", "services"),
    EVENTS,
  ],
  "persistent-volume-binder": [
    rule(`${READ} create delete update`, "core", "persistentvolumes"),
    rule("update", "core", "persistentvolumeclaims/status persistentvolumes/status"),
    rule(`${READ} update`, "core", "persistentvolumeclaims"),
    rule(`${READ} create delete`, "core", "pods"),
    rule(READ, "storage.k8s.io", "storageclasses"),
    rule(SEE, "core", "nodes"),
    rule("watch", "core", "events"),
    rule("get", "core", "services"),
    EVENTS,
  ],
  "pv-protection-controller": [rule(`${READ} update`, "core", "persistentvolumes"), EVENTS],
  "pvc-protection-controller": [
    rule(`${READ} update`, "core", "persistentvolumeclaims"),
    rule(READ, "core", "pods"),
    EVENTS,
  ],
  "volumeattributesclass-protection-controller": [
    rule(READ, "core", "persistentvolumeclaims persistentvolumes"),
    rule(`${READ} update`, "storage.k8s.io", "volumeattributesclasses"),
    EVENTS,
  ],
};

const CLUSTER: Rules = {
  "certificate-controller": [
    rule(`${READ} delete`, CERTIFICATES, "certificatesigningrequests"),
    rule(
      "update",
      CERTIFICATES,
      "certificatesigningrequests/approval certificatesigningrequests/status",
    ),
    signers("approve", "kube-apiserver-client-kubelet"),
    signers("sign", SIGNERS),
    rule("create", "authorization.k8s.io", "subjectaccessreviews"),
    EVENTS,
  ],
  "clusterrole-aggregation-controller": [
    rule(`escalate ${READ} patch update`, "rbac.authorization.k8s.io", "clusterroles"),
  ],
  "generic-garbage-collector": [rule(`${READ} delete patch update`, "*", "*"), EVENTS],
  "legacy-service-account-token-cleaner": [
    named(
      ["kube-apiserver-legacy-service-account-token-tracking"],
      rule("get", "core", "configmaps"),
    ),
    rule("delete patch", "core", "secrets"),
  ],
  "namespace-controller": [
    rule(`${READ} delete`, "core", "namespaces"),
    rule("update", "core", "namespaces/finalize namespaces/status"),
    rule(`${READ} delete deletecollection`, "*", "*"),
  ],
  "node-controller": [
    rule(`${READ} delete patch update`, "core", "nodes"),
    rule("patch update", "core", "nodes/status pods/status"),
    rule(`${READ} delete`, "core", "pods"),
    EVENTS,
  ],
  "pod-garbage-collector": [
    rule(`${SEE} delete`, "core", "pods"),
    rule(READ, "core", "nodes"),
    rule("patch", "core", "pods/status"),
  ],
  "resourcequota-controller": [
    rule(SEE, "*", "*"),
    rule("update", "core", "resourcequotas/status"),
    EVENTS,
  ],
  "root-ca-cert-publisher": [rule("create update", "core", "configmaps"), EVENTS],
  "service-account-controller": [rule("create", "core", "serviceaccounts"), EVENTS],
  "ttl-controller": [rule(`${SEE} patch update`, "core", "nodes"), EVENTS],
  "validatingadmissionpolicy-status-controller": [
    rule(READ, "admissionregistration.k8s.io", "validatingadmissionpolicies"),
    rule("get patch update", "admissionregistration.k8s.io", "validatingadmissionpolicies/status"),
    EVENTS,
  ],
};

/** What Naru's controllers do otherwise than those of Kubernetes, each with its reason. */
const BESIDES: Rules = {
  // Signs and approves what nodes serve by, once it has looked at the names in it; and clients' as kubectl asks for them.
  "certificate-controller": [signers("approve", "kube-apiserver-client kubelet-serving")],
  // A revision and a pause are merged into the deployment, not written over it.
  "deployment-controller": [rule("patch", "apps", "deployments")],
  // One controller for both, which a service's pods decide alike.
  "endpointslice-controller": [
    rule("create delete get update", "core", "endpoints"),
    rule("create", "core", "endpoints/restricted"),
  ],
};

const RULES: Rules = { ...WORKLOADS, ...NETWORK, ...STORAGE, ...CLUSTER };

/** Also the names of their service accounts. */
export const CONTROLLER_NAMES: readonly string[] = Object.keys(RULES).toSorted();

export const CONTROLLER_ROLES: readonly DefaultRole[] = CONTROLLER_NAMES.map((name) => ({
  name: roleOf(name),
  rules: [...(RULES[name] ?? []), ...(BESIDES[name] ?? [])],
}));

export const CONTROLLER_BINDINGS: readonly DefaultBinding[] = CONTROLLER_NAMES.map((name) => ({
  role: roleOf(name),
  subjects: [{ kind: "ServiceAccount", name, namespace: "kube-system" }],
}));

function roleOf(controller: string): string {
  return `system:controller:${controller}`;
}

function signers(verb: string, names: string): PolicyRule {
  const all = names.split(" ").map((name) => `kubernetes.io/${name}`);
  return named(all, rule(verb, CERTIFICATES, "signers"));
}
