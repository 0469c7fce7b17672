import type { Admission, Reader } from "../chain/steps.ts";
import { defaultTolerationSeconds } from "./default-toleration-seconds.ts";
import { namespaceLifecycle } from "./namespace-lifecycle.ts";
import { nodeRestriction } from "./node-restriction.ts";
import type { Plugin } from "./plugin.ts";
import { priority } from "./priority.ts";
import { serviceAccount } from "./service-account.ts";
import { ServiceAddresses } from "./service-addresses.ts";
import { taintNewNodes } from "./taint-new-nodes.ts";

export interface AdmissionOptions {
  /** Of ClusterIPs, as `10.96.0.0/16`. */
  readonly serviceCidr: string;
}

/** All plugins, in Kubernetes' order. */
export function admission(options: AdmissionOptions): (reader: Reader) => Admission {
  return (reader) => {
    const addresses = new ServiceAddresses(options.serviceCidr);
    const plugins: readonly Plugin[] = [
      namespaceLifecycle,
      serviceAccount,
      nodeRestriction,
      taintNewNodes,
      priority,
      defaultTolerationSeconds,
      (request, access) => addresses.admit(request, access),
    ];
    return {
      async admit(request) {
        let current = request;
        for (const plugin of plugins) {
          const object = await plugin(current, reader);
          if (object !== undefined) current = { ...current, object };
        }
        return current.object;
      },
    };
  };
}
