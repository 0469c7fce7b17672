import type { AccessRequest, AccessVerdict, Reader } from "../chain/steps.ts";
import { Bindings } from "./bindings.ts";
import { type Authorizer, EVERYTHING } from "./escalation.ts";
import { nodeMay } from "./node-authorizer.ts";
import { NodePods } from "./node-pods.ts";
import { ruleAllows } from "./rule.ts";

/** May do everything, also when all roles are gone: the way back in. */
const MASTERS = "system:masters";

/** Node authorization, then RBAC: whoever says yes first. Nobody says yes: no. */
export function authorizer(signal: AbortSignal): (reader: Reader) => Authorizer {
  return (reader) => {
    let known: Bindings | undefined;
    let pods: NodePods | undefined;
    const bindings = async (): Promise<Bindings> => {
      known ??= new Bindings(reader, signal);
      await known.synced;
      return known;
    };
    const podsOf = (): NodePods => {
      pods ??= new NodePods(reader, signal);
      return pods;
    };
    return {
      async authorize(request): Promise<AccessVerdict> {
        if (request.user.groups.includes(MASTERS)) return { allowed: true };
        if (await nodeMay(request, reader, podsOf)) return { allowed: true };
        return decide(await bindings(), request);
      },
      async rulesFor(user, namespace) {
        if (user.groups.includes(MASTERS)) return EVERYTHING;
        return (await bindings()).rulesFor(user, namespace);
      },
      async rulesOf({ kind, name }, namespace) {
        const all = await bindings();
        return all.has(kind, name, namespace) ? all.rulesOf(kind, name, namespace) : undefined;
      },
    };
  };
}

function decide(bindings: Bindings, request: AccessRequest): AccessVerdict {
  for (const grant of bindings.grantsFor(request.user)) {
    if (grant.namespace !== undefined && grant.namespace !== request.namespace) continue;
    if (grant.rules().some((rule) => ruleAllows(rule, request)))
      return { allowed: true, reason: grant.reason };
  }
  return { allowed: false, reason: "" };
}
