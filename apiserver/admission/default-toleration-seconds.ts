import { tolerates } from "#lib/api/taint";
import type { JsonObject } from "#lib/json";
import type { Toleration } from "#proto/core/v1";
import { isCreateOf, type Plugin } from "./plugin.ts";

/** Kubernetes' default: so long a pod stays on a node that is lost. */
const SECONDS = 300;
const KEYS = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] as const;

/** Gives pods time on nodes that are not ready, unless they say themselves how much. */
export const defaultTolerationSeconds: Plugin = (request) => {
  const { object } = request;
  if (!isCreateOf(request, "Pod") || object === undefined) return undefined;
  const spec = object["spec"] as JsonObject;
  const own = (spec["tolerations"] ?? []) as unknown as readonly Toleration[];
  const missing = KEYS.filter(
    (key) => !own.some((each) => tolerates(each, { key, effect: "NoExecute" })),
  );
  if (missing.length === 0) return undefined;
  const added = missing.map((key) => ({
    key,
    operator: "Exists",
    effect: "NoExecute",
    tolerationSeconds: SECONDS,
  }));
  return {
    ...object,
    spec: { ...spec, tolerations: [...own, ...added] as unknown as readonly JsonObject[] },
  };
};
