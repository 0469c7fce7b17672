import type { JsonObject } from "#lib/json";
import { isCreateOf, type Plugin } from "./plugin.ts";

const NOT_READY = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" };

/** A new node takes no pods before it has said that it is ready. */
export const taintNewNodes: Plugin = (request) => {
  const { object } = request;
  if (!isCreateOf(request, "Node") || object === undefined) return undefined;
  const spec = (object["spec"] ?? {}) as JsonObject;
  const taints = (spec["taints"] ?? []) as readonly JsonObject[];
  if (taints.some((each) => each["key"] === NOT_READY.key && each["effect"] === NOT_READY.effect))
    return undefined;
  return { ...object, spec: { ...spec, taints: [...taints, NOT_READY] } };
};
