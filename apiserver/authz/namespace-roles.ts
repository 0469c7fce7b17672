/** Kubernetes' default roles and bindings in namespaces, and who may act as a controller. Facts only. */
import type { PolicyRule } from "#proto/rbac/v1";
import { CONTROLLER_NAMES } from "./controller-roles.ts";
import type { DefaultBinding } from "./default-roles.ts";
import { EVENTS, named, rule } from "./new-rule.ts";

export interface NamespaceRole {
  readonly namespace: "kube-public" | "kube-system";
  readonly name: string;
  readonly rules: readonly PolicyRule[];
  readonly subjects: DefaultBinding["subjects"];
}

const READ = "get list watch";

/** Each with a binding of the same name. */
export const NAMESPACE_ROLES: readonly NamespaceRole[] = [
  controller("kube-system", "bootstrap-signer", [rule(READ, "core", "secrets")]),
  controller("kube-system", "cloud-provider", [rule(`${READ} create`, "core", "configmaps")]),
  controller("kube-system", "token-cleaner", [rule(`${READ} delete`, "core", "secrets"), EVENTS]),
  leaderLocking("kube-controller-manager", [
    rule(`${READ} create update`, "coordination.k8s.io", "leases"),
  ]),
  leaderLocking("kube-scheduler", []),
  controller("kube-public", "bootstrap-signer", [
    rule(READ, "core", "configmaps"),
    named(["cluster-info"], rule("update", "core", "configmaps")),
    EVENTS,
  ]),
  {
    // Where Kubernetes' controllers get tokens of their accounts, Naru's act as them.
    namespace: "kube-system",
    name: "system:controller-identities",
    rules: [named(CONTROLLER_NAMES, rule("impersonate", "core", "serviceaccounts"))],
    subjects: [{ kind: "User", name: "system:kube-controller-manager" }],
  },
];

function controller(
  namespace: NamespaceRole["namespace"],
  name: string,
  rules: readonly PolicyRule[],
): NamespaceRole {
  const subjects = [{ kind: "ServiceAccount", name, namespace: "kube-system" }] as const;
  return { namespace, name: `system:controller:${name}`, rules, subjects };
}

function leaderLocking(program: string, more: readonly PolicyRule[]): NamespaceRole {
  return {
    namespace: "kube-system",
    name: `system::leader-locking-${program}`,
    rules: [
      rule("watch", "core", "configmaps"),
      named([program], rule("get update", "core", "configmaps")),
      ...more,
    ],
    subjects: [
      { kind: "User", name: `system:${program}` },
      { kind: "ServiceAccount", name: program, namespace: "kube-system" },
    ],
  };
}
