import type { JsonObject } from "#lib/json";
import type { ParamKind } from "#proto/admissionregistration/v1";
import { apiVersionOf } from "#resources";
import type { Admission, AdmissionAccess, AdmissionRequest, Reader } from "../chain/steps.ts";
import { ServiceAddresses } from "../services/service-addresses.ts";
import { certificates, trustBundles } from "./certificates/plugins.ts";
import { stampCertificateRequest } from "./certificates/requester.ts";
import { claimResize } from "./claim-resize.ts";
import { defaultIngressClass } from "./default-ingress-class.ts";
import { defaultStorageClass } from "./default-storage-class.ts";
import { defaultTolerationSeconds } from "./default-toleration-seconds.ts";
import { limitBounds, limitDefaults } from "./limits/limit-ranger.ts";
import { MutatingPhase } from "./mutating-phase.ts";
import { namespaceLifecycle } from "./namespace-lifecycle.ts";
import { nodeRestriction } from "./node-restriction.ts";
import { notEnforced } from "./not-enforced.ts";
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
  /** Whether only who may delete an object says who owns it. Off, as in Kubernetes. */
  readonly ownerReferencesPermission?: boolean;
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
    const mutating: readonly Plugin[] = [
      namespaceLifecycle,
      limitDefaults,
      ...(options.serviceAccounts ? [serviceAccount(access)] : []),
      nodeRestriction,
      taintNewNodes,
      priority,
      defaultTolerationSeconds,
      defaultStorageClass,
      storageInUseProtection,
      runtimeClass,
      defaultIngressClass,
      podTopologyLabels,
    ];
    const quotas = new ResourceQuotas(access);
    const validating: readonly Validator[] = [
      limitBounds,
      notEnforced,
      podSecurity(options.podSecurityExemptions ?? {}),
      defaultPriority,
      claimResize,
      ...(options.ownerReferencesPermission ? [ownerReferencesPermission(access)] : []),
      runtimeOverhead,
      certificates(access),
      trustBundles(access),
      (request) => policies.validate(request),
      (request) => webhooks.validate(request),
      // Last: what anybody else refuses must not have been reserved.
      (request) => quotas.validate(request),
    ];
    const phase = new MutatingPhase({
      builtIn: mutating,
      outside: [mutatingPolicies, webhooks],
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
