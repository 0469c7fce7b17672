import type { JsonObject } from "#lib/json";
import type { Resource } from "#resources";
import type { Rules } from "../chain/steps.ts";
import { daemonSetRules, deploymentRules, replicaSetRules } from "./apps/workloads.ts";
import { configMapRules, secretRules } from "./core/config.ts";
import { namespaceRules } from "./core/namespace.ts";
import { podRules } from "./core/pod.ts";
import { serviceRules } from "./core/service.ts";
import type { KindRules } from "./kind-rules.ts";
import { validateMetadata } from "./metadata.ts";
import { endpointSliceRules, priorityClassRules, rbacRules } from "./other-kinds.ts";

const PLAIN: KindRules = { nameRule: "subdomain" };
const WITH_STATUS: KindRules = { nameRule: "subdomain", firstStatus: () => ({}) };

/** By `kind.group`. Kinds that are not here have nothing particular. */
const RULES: Readonly<Record<string, KindRules>> = {
  "Namespace.": namespaceRules,
  "Pod.": podRules,
  "Service.": serviceRules,
  "ConfigMap.": configMapRules,
  "Secret.": secretRules,
  "Node.": { nameRule: "subdomain" },
  "ReplicaSet.apps": replicaSetRules,
  "Deployment.apps": deploymentRules,
  "DaemonSet.apps": daemonSetRules,
  "EndpointSlice.discovery.k8s.io": endpointSliceRules,
  "PriorityClass.scheduling.k8s.io": priorityClassRules,
  "PodDisruptionBudget.policy": WITH_STATUS,
  "Role.rbac.authorization.k8s.io": rbacRules,
  "ClusterRole.rbac.authorization.k8s.io": rbacRules,
  "RoleBinding.rbac.authorization.k8s.io": rbacRules,
  "ClusterRoleBinding.rbac.authorization.k8s.io": rbacRules,
};

function rulesFor(resource: Resource): KindRules {
  return RULES[`${resource.kind}.${resource.group}`] ?? PLAIN;
}

export const rules: Rules = {
  prepareForCreate(resource, object) {
    const { complete, firstStatus } = rulesFor(resource);
    const completed = complete === undefined ? object : complete(object);
    return firstStatus === undefined ? completed : { ...completed, status: firstStatus(completed) };
  },

  prepareForUpdate(resource, object, old, subresource) {
    if (subresource === "status") return withStatus(old, object);
    const { complete, keep } = rulesFor(resource);
    const completed = complete === undefined ? object : complete(object);
    const kept = keep === undefined ? completed : keep(completed, old);
    const hasStatusRoute = resource.subresources.some((each) => each.name === "status");
    return hasStatusRoute ? { ...kept, status: old["status"] ?? {} } : kept;
  },

  validateCreate(resource, object) {
    const { nameRule, validate } = rulesFor(resource);
    return [
      ...validateMetadata(object, nameRule, resource.namespaced),
      ...(validate?.(object) ?? []),
    ];
  },

  validateUpdate(resource, object, old, subresource) {
    const { nameRule, validate, validateUpdate } = rulesFor(resource);
    const metadata = validateMetadata(object, nameRule, resource.namespaced);
    if (subresource === "status") return metadata;
    return [...metadata, ...(validate?.(object) ?? []), ...(validateUpdate?.(object, old) ?? [])];
  },
};

/** The status route changes the status, and of the metadata what controllers keep there. */
function withStatus(old: JsonObject, object: JsonObject): JsonObject {
  const { annotations, labels, finalizers, ...metadata } = old["metadata"] as JsonObject;
  const given = object["metadata"] as JsonObject;
  const taken = Object.fromEntries(
    Object.entries({
      labels: given["labels"] ?? labels,
      annotations: given["annotations"] ?? annotations,
      finalizers,
    }).filter(([, value]) => value !== undefined),
  ) as JsonObject;
  return { ...old, metadata: { ...metadata, ...taken }, status: object["status"] ?? {} };
}
