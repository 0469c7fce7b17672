/** Which of Kubernetes' plugins a server runs: those that are on by themselves, and what its flags say. Pure. */

const ON_BY_DEFAULT = [
  "CertificateApproval",
  "CertificateSigning",
  "CertificateSubjectRestriction",
  "ClusterTrustBundleAttest",
  "DefaultIngressClass",
  "DefaultStorageClass",
  "DefaultTolerationSeconds",
  "LimitRanger",
  "MutatingAdmissionPolicy",
  "MutatingAdmissionWebhook",
  "NamespaceLifecycle",
  "NodeRestriction",
  "PersistentVolumeClaimResize",
  "PodSecurity",
  "PodTopologyLabels",
  "Priority",
  "ResourceQuota",
  "RuntimeClass",
  "ServiceAccount",
  "StorageObjectInUseProtection",
  "TaintNodesByCondition",
  "ValidatingAdmissionPolicy",
  "ValidatingAdmissionWebhook",
] as const;
const OFF_BY_DEFAULT = [
  "AlwaysAdmit",
  "AlwaysDeny",
  "AlwaysPullImages",
  "DenyServiceExternalIPs",
  "ExtendedResourceToleration",
  "LimitPodHardAntiAffinityTopology",
  "NamespaceAutoProvision",
  "NamespaceExists",
  "OwnerReferencesPermissionEnforcement",
  "PodNodeSelector",
  "PodTolerationRestriction",
] as const;

export type PluginName = (typeof OFF_BY_DEFAULT)[number] | (typeof ON_BY_DEFAULT)[number];
export type Plugins = ReadonlySet<PluginName>;

/** The names are Kubernetes', as its flags have them. */
export interface PluginChoice {
  readonly enable?: readonly string[];
  readonly disable?: readonly string[];
}

export const DEFAULT_PLUGINS: Plugins = new Set(ON_BY_DEFAULT);

/** Names that do not fit together, or are nobody's. */
export class PluginChoiceError extends Error {
  override readonly name = "PluginChoiceError";
}

/** Throws a PluginChoiceError that says which flag is wrong, and what it may be. */
export function choosePlugins({ disable = [], enable = [] }: PluginChoice): Plugins {
  const known: readonly string[] = [...ON_BY_DEFAULT, ...OFF_BY_DEFAULT].toSorted();
  for (const [flag, names] of [
    ["--enable-admission-plugins", enable],
    ["--disable-admission-plugins", disable],
  ] as const) {
    const unknown = names.find((name) => !known.includes(name));
    if (unknown !== undefined)
      throw new PluginChoiceError(
        `${flag}: plugin "${unknown}" is unknown; there are ${known.join(", ")}`,
      );
  }
  const both = enable.find((name) => disable.includes(name));
  if (both !== undefined)
    throw new PluginChoiceError(`admission plugin "${both}" is both enabled and disabled`);
  const chosen = [...DEFAULT_PLUGINS, ...(enable as readonly PluginName[])];
  return new Set(chosen.filter((name) => !disable.includes(name)));
}
