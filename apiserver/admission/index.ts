import type { JsonObject } from "#lib/json";
import type { Admission, AdmissionAccess, AdmissionRequest, Reader } from "../chain/steps.ts";
import { defaultTolerationSeconds } from "./default-toleration-seconds.ts";
import { namespaceLifecycle } from "./namespace-lifecycle.ts";
import { nodeRestriction } from "./node-restriction.ts";
import type { Plugin, Validator } from "./plugin.ts";
import { type Exemptions, podSecurity } from "./pod-security/pod-security.ts";
import { defaultPriority, priority } from "./priority.ts";
import { serviceAccount } from "./service-account.ts";
import { ServiceAddresses } from "./service-addresses.ts";
import { taintNewNodes } from "./taint-new-nodes.ts";

export interface AdmissionOptions {
  /** Of ClusterIPs, as `10.96.0.0/16`. */
  readonly serviceCidr: string;
  /** Whose pods may be as they like. */
  readonly podSecurityExemptions?: Exemptions;
}

/** All plugins, each phase in Kubernetes' order; a plugin that stands in both has something to do in both. */
export function admission(options: AdmissionOptions): (access: AdmissionAccess) => Admission {
  return ({ reader }) => {
    const addresses = new ServiceAddresses(options.serviceCidr);
    const mutating: readonly Plugin[] = [
      namespaceLifecycle,
      serviceAccount,
      nodeRestriction,
      taintNewNodes,
      priority,
      defaultTolerationSeconds,
      (request) => addresses.admit(request, reader),
    ];
    const validating: readonly Validator[] = [
      podSecurity(options.podSecurityExemptions ?? {}),
      defaultPriority,
    ];
    return {
      mutate: (request) => mutateAll(mutating, request, reader),
      validate: (request) => validateAll(validating, request, reader),
    };
  };
}

async function mutateAll(
  plugins: readonly Plugin[],
  request: AdmissionRequest,
  reader: Reader,
): Promise<JsonObject | undefined> {
  let current = request;
  for (const plugin of plugins) {
    const given = plugin(current, reader);
    const object = given instanceof Promise ? await given : given;
    if (object !== undefined) current = { ...current, object };
  }
  return current === request ? undefined : current.object;
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
