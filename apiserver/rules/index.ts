import type { JsonObject } from "#lib/json";
import type { Resource } from "#resources";
import { customKindOf } from "../chain/custom-kind.ts";
import type { Rules } from "../chain/steps.ts";
import {
  mutatingBindingRules,
  mutatingPolicyRules,
} from "./admissionregistration/mutating-policies.ts";
import { validatingBindingRules, validatingPolicyRules } from "./admissionregistration/policies.ts";
import { webhookRules } from "./admissionregistration/webhooks.ts";
import { customResourceDefinitionRules } from "./apiextensions/custom-resource-definition.ts";
import { apiServiceRules } from "./apiregistration/api-service.ts";
import { controllerRevisionRules } from "./apps/controller-revision.ts";
import { statefulSetRules } from "./apps/stateful-set.ts";
import { daemonSetRules, deploymentRules, replicaSetRules } from "./apps/workloads.ts";
import { horizontalPodAutoscalerRules } from "./autoscaling/horizontal-pod-autoscaler.ts";
import { cronJobRules } from "./batch/cron-job.ts";
import { jobRules } from "./batch/job.ts";
import { certificateSigningRequestRules } from "./certificates/certificate-signing-request.ts";
import { clusterTrustBundleRules } from "./certificates/cluster-trust-bundle.ts";
import { leaseRules } from "./coordination/lease.ts";
import { configMapRules, secretRules } from "./core/config.ts";
import { endpointsRules } from "./core/endpoints.ts";
import { eventRules } from "./core/event.ts";
import { limitRangeRules } from "./core/limit-range.ts";
import { namespaceRules } from "./core/namespace.ts";
import { nodeRules } from "./core/node.ts";
import { persistentVolumeRules } from "./core/persistent-volume.ts";
import { persistentVolumeClaimRules } from "./core/persistent-volume-claim.ts";
import { podRules } from "./core/pod.ts";
import { podTemplateRules, replicationControllerRules } from "./core/replication-controller.ts";
import { resourceQuotaRules } from "./core/resource-quota.ts";
import { serviceRules } from "./core/service.ts";
import { changedCustomObject, newCustomObject } from "./custom-object.ts";
import { endpointSliceRules } from "./discovery/endpoint-slice.ts";
import { flowSchemaRules } from "./flowcontrol/flow-schema.ts";
import { priorityLevelRules } from "./flowcontrol/priority-level.ts";
import type { KindRules } from "./kind-rules.ts";
import { validateMetadata, validateMetadataUpdate } from "./metadata.ts";
import { ingressRules } from "./networking/ingress.ts";
import { ingressClassRules } from "./networking/ingress-class.ts";
import { ipAddressRules } from "./networking/ip-address.ts";
import { networkPolicyRules } from "./networking/network-policy.ts";
import { serviceCidrRules } from "./networking/service-cidr.ts";
import { runtimeClassRules } from "./node/runtime-class.ts";
import { disruptionBudgetRules } from "./policy/disruption-budget.ts";
import { bindingRules } from "./rbac/bindings.ts";
import { roleRules } from "./rbac/roles.ts";
import {
  deviceClassRules,
  resourceClaimRules,
  resourceClaimTemplateRules,
} from "./resource/claims.ts";
import { resourceSliceRules } from "./resource/resource-slice.ts";
import { priorityClassRules } from "./scheduling/priority-class.ts";
import { csiDriverRules, csiNodeRules, csiStorageCapacityRules } from "./storage/csi.ts";
import { storageClassRules } from "./storage/storage-class.ts";
import { volumeAttachmentRules } from "./storage/volume-attachment.ts";
import { volumeAttributesClassRules } from "./storage/volume-attributes-class.ts";

const PLAIN: KindRules = { nameRule: "subdomain" };

/** By `kind.group`. Kinds that are not here have nothing particular. */
const RULES: Readonly<Record<string, KindRules>> = {
  "Namespace.": namespaceRules,
  "Pod.": podRules,
  "Service.": serviceRules,
  "ConfigMap.": configMapRules,
  "Secret.": secretRules,
  "Node.": nodeRules,
  "Endpoints.": endpointsRules,
  "PersistentVolume.": persistentVolumeRules,
  "PersistentVolumeClaim.": persistentVolumeClaimRules,
  "ResourceQuota.": resourceQuotaRules,
  "LimitRange.": limitRangeRules,
  "Event.": eventRules,
  "Event.events.k8s.io": eventRules,
  "ReplicationController.": replicationControllerRules,
  "PodTemplate.": podTemplateRules,
  "ReplicaSet.apps": replicaSetRules,
  "Deployment.apps": deploymentRules,
  "DaemonSet.apps": daemonSetRules,
  "StatefulSet.apps": statefulSetRules,
  "ControllerRevision.apps": controllerRevisionRules,
  "Job.batch": jobRules,
  "CronJob.batch": cronJobRules,
  "HorizontalPodAutoscaler.autoscaling": horizontalPodAutoscalerRules,
  "CertificateSigningRequest.certificates.k8s.io": certificateSigningRequestRules,
  "ClusterTrustBundle.certificates.k8s.io": clusterTrustBundleRules,
  "Lease.coordination.k8s.io": leaseRules,
  "EndpointSlice.discovery.k8s.io": endpointSliceRules,
  "FlowSchema.flowcontrol.apiserver.k8s.io": flowSchemaRules,
  "PriorityLevelConfiguration.flowcontrol.apiserver.k8s.io": priorityLevelRules,
  "Ingress.networking.k8s.io": ingressRules,
  "IngressClass.networking.k8s.io": ingressClassRules,
  "NetworkPolicy.networking.k8s.io": networkPolicyRules,
  "IPAddress.networking.k8s.io": ipAddressRules,
  "ServiceCIDR.networking.k8s.io": serviceCidrRules,
  "RuntimeClass.node.k8s.io": runtimeClassRules,
  "PriorityClass.scheduling.k8s.io": priorityClassRules,
  "DeviceClass.resource.k8s.io": deviceClassRules,
  "ResourceClaim.resource.k8s.io": resourceClaimRules,
  "ResourceClaimTemplate.resource.k8s.io": resourceClaimTemplateRules,
  "ResourceSlice.resource.k8s.io": resourceSliceRules,
  "PodDisruptionBudget.policy": disruptionBudgetRules,
  "StorageClass.storage.k8s.io": storageClassRules,
  "CSIDriver.storage.k8s.io": csiDriverRules,
  "CSINode.storage.k8s.io": csiNodeRules,
  "CSIStorageCapacity.storage.k8s.io": csiStorageCapacityRules,
  "VolumeAttachment.storage.k8s.io": volumeAttachmentRules,
  "VolumeAttributesClass.storage.k8s.io": volumeAttributesClassRules,
  "Role.rbac.authorization.k8s.io": roleRules,
  "ClusterRole.rbac.authorization.k8s.io": roleRules,
  "RoleBinding.rbac.authorization.k8s.io": bindingRules,
  "CustomResourceDefinition.apiextensions.k8s.io": customResourceDefinitionRules,
  "APIService.apiregistration.k8s.io": apiServiceRules,
  "ClusterRoleBinding.rbac.authorization.k8s.io": bindingRules,
  "MutatingAdmissionPolicy.admissionregistration.k8s.io": mutatingPolicyRules,
  "MutatingAdmissionPolicyBinding.admissionregistration.k8s.io": mutatingBindingRules,
  "MutatingWebhookConfiguration.admissionregistration.k8s.io": webhookRules,
  "ValidatingWebhookConfiguration.admissionregistration.k8s.io": webhookRules,
  "ValidatingAdmissionPolicy.admissionregistration.k8s.io": validatingPolicyRules,
  "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io": validatingBindingRules,
};

function rulesFor(resource: Resource): KindRules {
  return RULES[`${resource.kind}.${resource.group}`] ?? PLAIN;
}

export const rules: Rules = {
  prepareForCreate(resource, object) {
    const custom = customKindOf(resource);
    if (custom !== undefined) return newCustomObject(custom, object);
    const { complete, completeNew, firstStatus } = rulesFor(resource);
    const usual = complete === undefined ? object : complete(object);
    const completed = completeNew === undefined ? usual : completeNew(usual);
    return firstStatus === undefined ? completed : { ...completed, status: firstStatus(completed) };
  },

  prepareForUpdate(resource, object, old, subresource) {
    const custom = customKindOf(resource);
    if (custom !== undefined) return changedCustomObject(custom, object, old, subresource);
    const { complete, keep, nextStatus, parts } = rulesFor(resource);
    const part = parts?.[subresource ?? ""];
    if (part !== undefined) return part.take(object, old);
    if (subresource === "status") return withStatus(old, object);
    const completed = complete === undefined ? object : complete(object);
    const kept = keep === undefined ? completed : keep(completed, old);
    const hasStatusRoute = resource.subresources.some((each) => each.name === "status");
    if (!hasStatusRoute) return kept;
    return { ...kept, status: nextStatus?.(kept, old) ?? old["status"] ?? {} };
  },

  validateCreate(resource, object) {
    const { nameRule, validate, validateCreate } = rulesFor(resource);
    return [
      ...validateMetadata(object, nameRule, resource.namespaced),
      ...(validate?.(object) ?? []),
      ...(validateCreate?.(object) ?? []),
      ...(customKindOf(resource)?.validate(object, undefined) ?? []),
    ];
  },

  validateUpdate(resource, object, old, subresource) {
    const { nameRule, parts, validate, validateUpdate } = rulesFor(resource);
    const metadata = [
      ...validateMetadata(object, nameRule, resource.namespaced),
      ...validateMetadataUpdate(object, old),
    ];
    const custom = customKindOf(resource);
    if (custom !== undefined) return [...metadata, ...custom.validate(object, old)];
    const part = parts?.[subresource ?? ""];
    if (part !== undefined) return [...metadata, ...part.validate(object, old)];
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
