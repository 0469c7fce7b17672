/** Kubernetes' default cluster roles and bindings. Facts only. */
import type { PolicyRule } from "#proto/rbac/v1";
import { ADDON_BINDINGS, ADDON_ROLES } from "./addon-roles.ts";
import { CONTROLLER_BINDINGS, CONTROLLER_ROLES } from "./controller-roles.ts";
import { EVENTS, named, paths, rule } from "./new-rule.ts";

export interface DefaultRole {
  readonly name: string;
  /** The role this one's rules are also added to: `rbac.authorization.k8s.io/aggregate-to-NAME`. */
  readonly addedTo?: string;
  readonly rules?: readonly PolicyRule[];
  /** Collects the rules of all roles that are added to it. */
  readonly isAggregated?: true;
}

export interface DefaultBinding {
  readonly role: string;
  readonly subjects: readonly {
    readonly kind: "Group" | "ServiceAccount" | "User";
    readonly name: string;
    readonly namespace?: string;
  }[];
}

const READ = "get list watch";
const WRITE = "create delete deletecollection patch update";
const WORKLOADS = "daemonsets deployments replicasets statefulsets";
const SCALES = "deployments/scale replicasets/scale statefulsets/scale";

export const DEFAULT_ROLES: readonly DefaultRole[] = [
  { name: "cluster-admin", rules: [rule("*", "*", "*"), paths("*", "*")] },
  { name: "admin", isAggregated: true },
  { name: "edit", isAggregated: true, addedTo: "admin" },
  { name: "view", isAggregated: true, addedTo: "edit" },
  {
    name: "system:aggregate-to-admin",
    addedTo: "admin",
    rules: [
      rule("create", "authorization.k8s.io", "localsubjectaccessreviews"),
      rule(`${READ} ${WRITE}`, "rbac.authorization.k8s.io", "rolebindings roles"),
    ],
  },
  { name: "system:aggregate-to-edit", addedTo: "edit", rules: editRules() },
  { name: "system:aggregate-to-view", addedTo: "view", rules: viewRules() },
  {
    name: "system:aggregated-metrics-reader",
    addedTo: "view",
    rules: [rule(READ, "metrics.k8s.io", "nodes pods")],
  },
  {
    name: "system:basic-user",
    rules: [
      rule("create", "authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews"),
      rule("create", "authentication.k8s.io", "selfsubjectreviews"),
    ],
  },
  {
    name: "system:discovery",
    rules: [
      paths(
        "get",
        "/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/",
      ),
    ],
  },
  {
    name: "system:public-info-viewer",
    rules: [paths("get", "/healthz /livez /readyz /version /version/")],
  },
  {
    name: "system:service-account-issuer-discovery",
    rules: [
      paths(
        "get",
        "/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/",
      ),
    ],
  },
  {
    name: "system:monitoring",
    rules: [paths("get", "/healthz /healthz/* /livez /livez/* /metrics /readyz /readyz/*")],
  },
  {
    name: "system:auth-delegator",
    rules: [
      rule("create", "authentication.k8s.io", "tokenreviews"),
      rule("create", "authorization.k8s.io", "subjectaccessreviews"),
    ],
  },
  {
    name: "system:kubelet-api-admin",
    rules: [
      rule(READ, "core", "nodes"),
      rule("proxy", "core", "nodes"),
      rule("*", "core", "nodes/log nodes/metrics nodes/proxy nodes/spec nodes/stats"),
    ],
  },
  ...certificateRoles(),
  { name: "system:node", rules: nodeRules() },
  { name: "system:kube-scheduler", rules: schedulerRules() },
  { name: "system:kube-controller-manager", rules: controllersRules() },
  ...CONTROLLER_ROLES,
  ...ADDON_ROLES,
];

export const DEFAULT_BINDINGS: readonly DefaultBinding[] = [
  bind("cluster-admin", "Group", "system:masters"),
  bind("system:basic-user", "Group", "system:authenticated"),
  bind("system:discovery", "Group", "system:authenticated"),
  bind("system:public-info-viewer", "Group", "system:authenticated", "system:unauthenticated"),
  bind("system:service-account-issuer-discovery", "Group", "system:serviceaccounts"),
  bind("system:monitoring", "Group", "system:monitoring"),
  // Nobody: the node authorizer grants agents theirs, bound to what their own pods use.
  { role: "system:node", subjects: [] },
  bind("system:kube-scheduler", "User", "system:kube-scheduler"),
  bind("system:kube-controller-manager", "User", "system:kube-controller-manager"),
  ...CONTROLLER_BINDINGS,
  ...ADDON_BINDINGS,
];

function editRules(): readonly PolicyRule[] {
  const streams = "pods/attach pods/exec pods/portforward pods/proxy";
  return [
    rule(READ, "core", `${streams} secrets services/proxy`),
    rule("impersonate", "core", "serviceaccounts"),
    rule(WRITE, "core", `pods ${streams}`),
    rule("create", "core", "pods/eviction serviceaccounts/token"),
    rule(
      WRITE,
      "core",
      "configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy",
    ),
    rule(WRITE, "apps", `${WORKLOADS} deployments/rollback ${SCALES}`),
    rule(WRITE, "autoscaling", "horizontalpodautoscalers"),
    rule(WRITE, "batch", "cronjobs jobs"),
    rule(WRITE, "policy", "poddisruptionbudgets"),
    rule(WRITE, "networking.k8s.io", "ingresses networkpolicies"),
    rule(`${READ} ${WRITE}`, "coordination.k8s.io", "leases"),
  ];
}

function viewRules(): readonly PolicyRule[] {
  return [
    rule(
      READ,
      "core",
      "bindings configmaps endpoints events limitranges namespaces namespaces/status persistentvolumeclaims persistentvolumeclaims/status pods pods/log pods/status replicationcontrollers replicationcontrollers/scale replicationcontrollers/status resourcequotas resourcequotas/status serviceaccounts services services/status",
    ),
    rule(READ, "discovery.k8s.io", "endpointslices"),
    rule(
      READ,
      "apps",
      `controllerrevisions ${WORKLOADS} daemonsets/status deployments/status replicasets/status statefulsets/status ${SCALES}`,
    ),
    rule(READ, "autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status"),
    rule(READ, "batch", "cronjobs cronjobs/status jobs jobs/status"),
    rule(READ, "policy", "poddisruptionbudgets poddisruptionbudgets/status"),
    rule(READ, "networking.k8s.io", "ingresses ingresses/status networkpolicies"),
  ];
}

function nodeRules(): readonly PolicyRule[] {
  return [
    rule("create", "authentication.k8s.io", "tokenreviews"),
    rule("create", "authorization.k8s.io", "localsubjectaccessreviews subjectaccessreviews"),
    rule("create get list watch", "certificates.k8s.io", "certificatesigningrequests"),
    rule(READ, "core", "configmaps pods secrets services"),
    rule(`${READ} create patch update`, "core", "nodes"),
    rule("patch update", "core", "nodes/status pods/status"),
    rule("create patch update", "core events.k8s.io", "events"),
    rule("create delete", "core", "pods"),
    rule("create", "core", "pods/eviction serviceaccounts/token"),
    rule("get", "core", "endpoints persistentvolumeclaims persistentvolumes"),
    rule("create delete get patch update", "coordination.k8s.io", "leases"),
  ];
}

function schedulerRules(): readonly PolicyRule[] {
  return [
    rule("create patch update", "core events.k8s.io", "events"),
    ...leaseRules("naru-scheduler"),
    rule(READ, "core", "namespaces nodes replicationcontrollers services"),
    rule(`${READ} delete`, "core", "pods"),
    rule("create", "core", "bindings pods/binding"),
    rule("patch update", "core", "pods/status"),
    rule(READ, "apps", "replicasets statefulsets"),
    rule(READ, "policy", "poddisruptionbudgets"),
    rule(`${READ} patch update`, "core", "persistentvolumeclaims persistentvolumes"),
    rule(READ, "storage.k8s.io", "csinodes storageclasses"),
  ];
}

/** What they have in common: they see everything, lead, fill Secrets with tokens, and act as each of them. */
function controllersRules(): readonly PolicyRule[] {
  return [
    EVENTS,
    ...leaseRules("naru-controllers"),
    rule("list watch", "*", "*"),
    rule("create", "core", "secrets serviceaccounts serviceaccounts/token"),
    rule("get", "core", "configmaps namespaces secrets serviceaccounts"),
    rule("delete update", "core", "secrets"),
    rule("update", "core", "serviceaccounts"),
    rule("create", "authentication.k8s.io", "tokenreviews"),
    rule("create", "authorization.k8s.io", "subjectaccessreviews"),
  ];
}

/** Who may ask for nodes' certificates, and who may approve which. */
function certificateRoles(): readonly DefaultRole[] {
  const group = "certificates.k8s.io";
  const requests = `system:${group}:certificatesigningrequests`;
  const signers =
    "kube-apiserver-client kube-apiserver-client-kubelet kubelet-serving legacy-unknown";
  return [
    {
      name: `${requests}:nodeclient`,
      rules: [rule("create", group, "certificatesigningrequests/nodeclient")],
    },
    {
      name: `${requests}:selfnodeclient`,
      rules: [rule("create", group, "certificatesigningrequests/selfnodeclient")],
    },
    ...signers.split(" ").map((signer) => ({
      name: `system:${group}:${signer}-approver`,
      rules: [signerRule("approve", `kubernetes.io/${signer}`)],
    })),
    {
      name: "system:node-bootstrapper",
      rules: [rule("create get list watch", group, "certificatesigningrequests")],
    },
  ];
}

function signerRule(verbs: string, ...names: readonly string[]): PolicyRule {
  return named(names, rule(verbs, "certificates.k8s.io", "signers"));
}

function leaseRules(name: string): readonly PolicyRule[] {
  const rest = rule("get list watch patch update", "coordination.k8s.io", "leases");
  return [rule("create", "coordination.k8s.io", "leases"), named([name], rest)];
}

function bind(role: string, kind: "Group" | "User", ...names: readonly string[]): DefaultBinding {
  return { role, subjects: names.map((name) => ({ kind, name })) };
}
