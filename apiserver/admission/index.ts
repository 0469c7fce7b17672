import type { JsonObject } from "#lib/json";
import type { ParamKind } from "#proto/admissionregistration/v1";
import { apiVersionOf } from "#resources";
import type { Admission, AdmissionAccess, AdmissionRequest, Reader } from "../chain/steps.ts";
import { ServiceAddresses } from "../services/service-addresses.ts";
import { certificates, trustBundles } from "./certificates/plugins.ts";
import { stampCertificateRequest } from "./certificates/requester.ts";
import { DEFAULT_PLUGINS, type PluginName, type Plugins } from "./choice.ts";
import { claimResize } from "./claim-resize.ts";
import { defaultIngressClass } from "./default-ingress-class.ts";
import { defaultStorageClass } from "./default-storage-class.ts";
import { defaultTolerationSeconds } from "./default-toleration-seconds.ts";
import { limitBounds, limitDefaults } from "./limits/limit-ranger.ts";
import { MutatingPhase, type OutsideMutator } from "./mutating-phase.ts";
import { namespaceLifecycle } from "./namespace-lifecycle.ts";
import { nodeRestriction } from "./node-restriction.ts";
import { notEnforced } from "./not-enforced.ts";
import { alwaysAdmit, alwaysDeny } from "./opt-in/always.ts";
import { alwaysPullImages, imagesArePulled } from "./opt-in/always-pull-images.ts";
import { limitPodHardAntiAffinityTopology } from "./opt-in/anti-affinity-topology.ts";
import { extendedResourceToleration } from "./opt-in/extended-resource-toleration.ts";
import { namespaceAutoProvision, namespaceExists } from "./opt-in/missing-namespaces.ts";
import { podNodeSelector } from "./opt-in/pod-node-selector.ts";
import { allowedTolerations, defaultTolerations } from "./opt-in/pod-toleration-restriction.ts";
import { denyServiceExternalIPs } from "./opt-in/service-external-ips.ts";
import { ownerReferencesPermission } from "./owner-references.ts";
import type { Plugin, Validator } from "./plugin.ts";
import { type Exemptions, podSecurity } from "./pod-security/pod-security.ts";
import { podTopologyLabels } from "./pod-topology-labels.ts";
import { MutatingPolicies } from "./policies/mutating.ts";
import { ValidatingPolicies } from "./policies/validating.ts";
import { defaultPriority, priority } from "./priority.ts";
import { ResourceQuotas } from "./quota/resource-quota.ts";
import { runtimeClass, runtimeOverhead } from "./runtime-class.ts";
import { serviceAccount } from "./service-account/plugin.ts";
import { settle } from "./settle.ts";
import { storageInUseProtection } from "./storage-in-use-protection.ts";
import { taintNewNodes } from "./taint-new-nodes.ts";
import type { Poster } from "./webhooks/post.ts";
import { WebhookMetrics } from "./webhooks/webhook-metrics.ts";
import { Webhooks } from "./webhooks/webhooks.ts";

export interface AdmissionOptions {
  /** Ends the following of what is registered: webhooks. */
  readonly signal: AbortSignal;
  /** How webhooks are reached. */
  readonly post: Poster;
  /** Of ClusterIPs, as `10.96.0.0/16`, as long as no ServiceCIDR says so. */
  readonly serviceCidr: string;
  /** Kubernetes' defaults, if absent. */
  readonly plugins?: Plugins;
  /** Pods need an account that exists, and get its token. Off: for a server without the controllers that make accounts. */
  readonly serviceAccounts?: boolean;
  /** Whose pods may be as they like. */
  readonly podSecurityExemptions?: Exemptions;
}

/** All plugins, each phase in Kubernetes' order; a plugin that stands in both has something to do in both. */
export function admission(options: AdmissionOptions): (access: AdmissionAccess) => Admission {
  return (access) => {
    const { random, reader, resources, rules } = access;
    const addresses = new ServiceAddresses({ serviceCidr: options.serviceCidr, random });
    const outside = {
      ...access,
      ...options,
      resourceOf: ({ apiVersion = "", kind = "" }: ParamKind) =>
        resources.all().find((each) => each.kind === kind && apiVersionOf(each) === apiVersion),
      settle: (request: AdmissionRequest, object: JsonObject) => settle(rules, request, object),
    };
    const policies = new ValidatingPolicies(outside);
    const mutatingPolicies = new MutatingPolicies(outside);
    const webhooks = new Webhooks({ ...outside, metrics: new WebhookMetrics(access.registry) });
    const { plugins = DEFAULT_PLUGINS } = options;
    const validating = [
      notEnforced,
      certificates(access, plugins),
      ...chosen(validators(options, access, { policies, webhooks }), plugins),
    ];
    const phase = new MutatingPhase({
      builtIn: chosen(mutators(options, access), plugins),
      outside: chosen<OutsideMutator>(
        [
          ["MutatingAdmissionPolicy", mutatingPolicies],
          ["MutatingAdmissionWebhook", webhooks],
        ],
        plugins,
      ),
      last: (request) =>
        stampCertificateRequest(request, access.clock) ?? addresses.admit(request, reader),
      reader,
    });
    return {
      mutate: (request) => phase.run(request),
      validate: (request) => validateAll(validating, request, reader),
    };
  };
}

type Named<T> = readonly (readonly [PluginName, T])[];

function chosen<T>(all: Named<T>, plugins: Plugins): readonly T[] {
  return all.flatMap(([name, plugin]) => (plugins.has(name) ? [plugin] : []));
}

function mutators(options: AdmissionOptions, access: AdmissionAccess): Named<Plugin> {
  return [
    ["NamespaceAutoProvision", namespaceAutoProvision(access)],
    ["NamespaceLifecycle", namespaceLifecycle],
    ["NamespaceExists", namespaceExists],
    ["LimitRanger", limitDefaults],
    ...(options.serviceAccounts ? [["ServiceAccount", serviceAccount(access)] as const] : []),
    ["NodeRestriction", nodeRestriction],
    ["TaintNodesByCondition", taintNewNodes],
    ["AlwaysPullImages", alwaysPullImages],
    ["PodNodeSelector", podNodeSelector],
    ["Priority", priority],
    ["DefaultTolerationSeconds", defaultTolerationSeconds],
    ["PodTolerationRestriction", defaultTolerations],
    ["ExtendedResourceToleration", extendedResourceToleration],
    ["DefaultStorageClass", defaultStorageClass],
    ["StorageObjectInUseProtection", storageInUseProtection],
    ["RuntimeClass", runtimeClass],
    ["DefaultIngressClass", defaultIngressClass],
    ["PodTopologyLabels", podTopologyLabels],
  ];
}

function validators(
  options: AdmissionOptions,
  access: AdmissionAccess,
  { policies, webhooks }: { readonly policies: ValidatingPolicies; readonly webhooks: Webhooks },
): Named<Validator> {
  const quotas = new ResourceQuotas(access);
  return [
    ["AlwaysAdmit", alwaysAdmit],
    ["LimitPodHardAntiAffinityTopology", limitPodHardAntiAffinityTopology],
    ["LimitRanger", limitBounds],
    ["AlwaysPullImages", imagesArePulled],
    ["PodSecurity", podSecurity(options.podSecurityExemptions ?? {})],
    ["Priority", defaultPriority],
    ["PodTolerationRestriction", allowedTolerations],
    ["OwnerReferencesPermissionEnforcement", ownerReferencesPermission(access)],
    ["PersistentVolumeClaimResize", claimResize],
    ["RuntimeClass", runtimeOverhead],
    ["ClusterTrustBundleAttest", trustBundles(access)],
    ["DenyServiceExternalIPs", denyServiceExternalIPs],
    ["ValidatingAdmissionPolicy", (request) => policies.validate(request)],
    ["ValidatingAdmissionWebhook", (request) => webhooks.validate(request)],
    // Last: what anybody else refuses must not have been reserved.
    ["ResourceQuota", (request) => quotas.validate(request)],
    ["AlwaysDeny", alwaysDeny],
  ];
}

/** One after the other; nothing to wait for when no plugin waits. */
function validateAll(
  plugins: readonly Validator[],
  request: AdmissionRequest,
  reader: Reader,
): Promise<void> | undefined {
  for (const [at, plugin] of plugins.entries()) {
    const waiting = plugin(request, reader);
    if (waiting !== undefined)
      return waiting.then(() => validateAll(plugins.slice(at + 1), request, reader));
  }
  return undefined;
}
