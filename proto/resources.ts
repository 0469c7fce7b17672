/**
 * The one table of kinds. Routes, discovery, RBAC, client and CLI read it; nothing else names a plural.
 * Each group has a file in `resources/`; a kind that several versions serve has a row for each.
 */
import {
  mutatingAdmissionPolicies,
  mutatingAdmissionPoliciesV1Beta1,
  mutatingAdmissionPolicyBindings,
  mutatingAdmissionPolicyBindingsV1Beta1,
  mutatingWebhookConfigurations,
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
  validatingWebhookConfigurations,
} from "./resources/admissionregistration.ts";
import { customResourceDefinitions } from "./resources/apiextensions.ts";
import { apiServices } from "./resources/apiregistration.ts";
import {
  controllerRevisions,
  daemonSets,
  deployments,
  replicaSets,
  statefulSets,
} from "./resources/apps.ts";
import { selfSubjectReviews, tokenReviews } from "./resources/authentication.ts";
import {
  localSubjectAccessReviews,
  selfSubjectAccessReviews,
  selfSubjectRulesReviews,
  subjectAccessReviews,
} from "./resources/authorization.ts";
import { horizontalPodAutoscalers, horizontalPodAutoscalersV1 } from "./resources/autoscaling.ts";
import { cronJobs, jobs } from "./resources/batch.ts";
import { certificateSigningRequests, clusterTrustBundles } from "./resources/certificates.ts";
import { leases } from "./resources/coordination.ts";
import {
  bindings,
  componentStatuses,
  configMaps,
  endpoints,
  events,
  limitRanges,
  namespaces,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  podTemplates,
  replicationControllers,
  resourceQuotas,
  secrets,
  serviceAccounts,
  services,
} from "./resources/core.ts";
import { endpointSlices } from "./resources/discovery.ts";
import { eventsV1 } from "./resources/events.ts";
import { flowSchemas, priorityLevelConfigurations } from "./resources/flowcontrol.ts";
import { nodeMetrics, podMetrics } from "./resources/metrics.ts";
import {
  ingressClasses,
  ingresses,
  ipAddresses,
  ipAddressesV1Beta1,
  networkPolicies,
  serviceCidrs,
  serviceCidrsV1Beta1,
} from "./resources/networking.ts";
import { runtimeClasses } from "./resources/node.ts";
import { podDisruptionBudgets } from "./resources/policy.ts";
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from "./resources/rbac.ts";
import type { Resource } from "./resources/resource.ts";
import {
  deviceClasses,
  deviceClassesV1Beta2,
  resourceClaims,
  resourceClaimsV1Beta2,
  resourceClaimTemplates,
  resourceClaimTemplatesV1Beta2,
  resourceSlices,
  resourceSlicesV1Beta2,
} from "./resources/resource-claims.ts";
import { priorityClasses } from "./resources/scheduling.ts";
import {
  csiDrivers,
  csiNodes,
  csiStorageCapacities,
  storageClasses,
  volumeAttachments,
  volumeAttributesClasses,
  volumeAttributesClassesV1Beta1,
} from "./resources/storage.ts";

export * from "./resources/admissionregistration.ts";
export * from "./resources/apiextensions.ts";
export * from "./resources/apiregistration.ts";
export * from "./resources/apps.ts";
export * from "./resources/authentication.ts";
export * from "./resources/authorization.ts";
export * from "./resources/autoscaling.ts";
export * from "./resources/batch.ts";
export * from "./resources/certificates.ts";
export * from "./resources/coordination.ts";
export * from "./resources/core.ts";
export * from "./resources/discovery.ts";
export * from "./resources/events.ts";
export * from "./resources/flowcontrol.ts";
export * from "./resources/metrics.ts";
export * from "./resources/networking.ts";
export * from "./resources/node.ts";
export * from "./resources/policy.ts";
export * from "./resources/rbac.ts";
export {
  apiVersionOf,
  isQuestion,
  type Resource,
  type Subresource,
  type Verb,
} from "./resources/resource.ts";
export * from "./resources/resource-claims.ts";
export * from "./resources/scheduling.ts";
export * from "./resources/storage.ts";

/** Everything the API server serves, in the order that discovery lists it. */
export const RESOURCES: readonly Resource[] = [
  namespaces,
  pods,
  services,
  endpoints,
  configMaps,
  secrets,
  serviceAccounts,
  nodes,
  persistentVolumes,
  persistentVolumeClaims,
  replicationControllers,
  podTemplates,
  resourceQuotas,
  limitRanges,
  events,
  bindings,
  componentStatuses,
  deployments,
  replicaSets,
  daemonSets,
  statefulSets,
  controllerRevisions,
  jobs,
  cronJobs,
  horizontalPodAutoscalers,
  horizontalPodAutoscalersV1,
  endpointSlices,
  eventsV1,
  leases,
  podDisruptionBudgets,
  priorityClasses,
  storageClasses,
  csiDrivers,
  csiNodes,
  csiStorageCapacities,
  volumeAttachments,
  volumeAttributesClasses,
  volumeAttributesClassesV1Beta1,
  roles,
  roleBindings,
  clusterRoles,
  clusterRoleBindings,
  ingresses,
  ingressClasses,
  networkPolicies,
  ipAddresses,
  serviceCidrs,
  ipAddressesV1Beta1,
  serviceCidrsV1Beta1,
  runtimeClasses,
  deviceClasses,
  resourceClaims,
  resourceClaimTemplates,
  resourceSlices,
  deviceClassesV1Beta2,
  resourceClaimsV1Beta2,
  resourceClaimTemplatesV1Beta2,
  resourceSlicesV1Beta2,
  mutatingWebhookConfigurations,
  validatingWebhookConfigurations,
  certificateSigningRequests,
  clusterTrustBundles,
  selfSubjectReviews,
  tokenReviews,
  localSubjectAccessReviews,
  selfSubjectAccessReviews,
  selfSubjectRulesReviews,
  subjectAccessReviews,
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
  customResourceDefinitions,
  mutatingAdmissionPolicies,
  mutatingAdmissionPolicyBindings,
  mutatingAdmissionPoliciesV1Beta1,
  mutatingAdmissionPolicyBindingsV1Beta1,
  apiServices,
  nodeMetrics,
  podMetrics,
  flowSchemas,
  priorityLevelConfigurations,
];
