/** Default roles for programs that people bring along, which Kubernetes has ready for them. Facts only. */
import type { DefaultBinding, DefaultRole } from "./default-roles.ts";
import { EVENTS, rule } from "./new-rule.ts";

const READ = "get list watch";
const SEE = "list watch";

export const ADDON_ROLES: readonly DefaultRole[] = [
  {
    name: "system:heapster",
    rules: [
      rule(READ, "core", "events namespaces nodes pods"),
      rule(READ, "extensions", "deployments"),
    ],
  },
  { name: "system:kube-aggregator", rules: [rule(READ, "core", "endpoints services")] },
  { name: "system:kube-dns", rules: [rule(SEE, "core", "endpoints services")] },
  {
    name: "system:node-problem-detector",
    rules: [rule("get", "core", "nodes"), rule("patch", "core", "nodes/status"), EVENTS],
  },
  {
    name: "system:node-proxier",
    rules: [
      rule(SEE, "core", "services"),
      rule(READ, "core", "nodes"),
      EVENTS,
      rule(SEE, "discovery.k8s.io", "endpointslices"),
      rule(SEE, "networking.k8s.io", "servicecidrs"),
    ],
  },
  {
    name: "system:persistent-volume-provisioner",
    rules: [
      rule(`${READ} create delete`, "core", "persistentvolumes"),
      rule(`${READ} update`, "core", "persistentvolumeclaims"),
      rule(READ, "storage.k8s.io", "storageclasses"),
      rule("watch", "core", "events"),
      EVENTS,
    ],
  },
  {
    name: "system:volume-scheduler",
    rules: [
      rule(`${READ} patch update`, "core", "persistentvolumes"),
      rule(READ, "storage.k8s.io", "storageclasses"),
      rule(`${READ} patch update`, "core", "persistentvolumeclaims"),
    ],
  },
];

export const ADDON_BINDINGS: readonly DefaultBinding[] = [
  {
    role: "system:kube-dns",
    subjects: [{ kind: "ServiceAccount", name: "kube-dns", namespace: "kube-system" }],
  },
  { role: "system:node-proxier", subjects: [{ kind: "User", name: "system:kube-proxy" }] },
  { role: "system:volume-scheduler", subjects: [{ kind: "User", name: "system:kube-scheduler" }] },
];
