import type { AccessRequest, AccessVerdict, Authorizer, Reader } from "../chain/steps.ts";
import { Bindings } from "./bindings.ts";
import { nodeMay } from "./node-authorizer.ts";
import { ruleAllows } from "./rule.ts";

/** May do everything, also when all roles are gone: the way back in. */
const MASTERS = "system:masters";

/** Node authorization, then RBAC: whoever says yes first. Nobody says yes: no. */
export function authorizer(signal: AbortSignal): (reader: Reader) => Authorizer {
  return (reader) => {
    let bindings: Bindings | undefined;
    return {
      async authorize(request): Promise<AccessVerdict> {
        if (request.user.groups.includes(MASTERS)) return { allowed: true };
        if (await nodeMay(request, reader)) return { allowed: true };
        bindings ??= new Bindings(reader, signal);
        await bindings.synced;
        return decide(bindings, request);
      },
    };
  };
}

function decide(bindings: Bindings, request: AccessRequest): AccessVerdict {
  for (const grant of bindings.grantsFor(request.user)) {
    if (grant.namespace !== undefined && grant.namespace !== request.namespace) continue;
    if (grant.rules().some((rule) => ruleAllows(rule, request))) return { allowed: true };
  }
  return { allowed: false, reason: "" };
}
