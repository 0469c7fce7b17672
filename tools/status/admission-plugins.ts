/**
 * Kubernetes 1.36's admission plugins, as facts, each with what stands for it in apiserver/admission/index.ts; those without
 * are not there.
 */
export const ADMISSION_PLUGINS: readonly (readonly [name: string, ours?: string])[] = [
  ["AlwaysAdmit", "alwaysAdmit"],
  ["AlwaysDeny", "alwaysDeny"],
  ["AlwaysPullImages", "alwaysPullImages"],
  ["CertificateApproval", "certificates"],
  ["CertificateSigning", "certificates"],
  ["CertificateSubjectRestriction", "certificates"],
  ["ClusterTrustBundleAttest", "trustBundles"],
  ["DefaultIngressClass", "defaultIngressClass"],
  ["DefaultStorageClass", "defaultStorageClass"],
  ["DefaultTolerationSeconds", "defaultTolerationSeconds"],
  ["DenyServiceExternalIPs", "denyServiceExternalIPs"],
  ["EventRateLimit"],
  ["ExtendedResourceToleration", "extendedResourceToleration"],
  ["ImagePolicyWebhook"],
  ["LimitPodHardAntiAffinityTopology", "limitPodHardAntiAffinityTopology"],
  ["LimitRanger", "limitDefaults"],
  ["MutatingAdmissionPolicy", "MutatingPolicies"],
  ["MutatingAdmissionWebhook", "Webhooks"],
  ["NamespaceAutoProvision", "namespaceAutoProvision"],
  ["NamespaceExists", "namespaceExists"],
  ["NamespaceLifecycle", "namespaceLifecycle"],
  ["NodeRestriction", "nodeRestriction"],
  ["OwnerReferencesPermissionEnforcement", "ownerReferencesPermission"],
  ["PersistentVolumeClaimResize", "claimResize"],
  ["PodNodeSelector", "podNodeSelector"],
  ["PodSecurity", "podSecurity"],
  ["PodTolerationRestriction", "defaultTolerations"],
  ["PodTopologyLabels", "podTopologyLabels"],
  ["Priority", "priority"],
  ["ResourceQuota", "ResourceQuotas"],
  ["RuntimeClass", "runtimeClass"],
  ["ServiceAccount", "serviceAccount"],
  ["StorageObjectInUseProtection", "storageInUseProtection"],
  ["TaintNodesByCondition", "taintNewNodes"],
  ["ValidatingAdmissionPolicy", "ValidatingPolicies"],
  ["ValidatingAdmissionWebhook", "Webhooks"],
];

/** Throws for a plugin that is said to be there and is not in `source`, the text of that file. */
export function pluginsServed(source: string): readonly string[] {
  return ADMISSION_PLUGINS.filter(([name, ours]) => {
    if (ours === undefined) return false;
    if (new RegExp(`\\b${ours}\\b`).test(source)) return true;
    throw new Error(`${name}: there is no ${ours} in apiserver/admission/index.ts`);
  }).map(([name]) => name);
}
