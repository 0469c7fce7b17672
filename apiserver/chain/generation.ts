/** `metadata.generation` counts the changes of what is wanted, so that a status can say which of them it has seen. */
import { isDeepStrictEqual } from "node:util";
import type { JsonObject } from "#lib/json";
import type { Resource } from "#resources";
import { metaOf, withMeta } from "./object-meta.ts";

const COUNTED = new Set([
  "cronjobs",
  "daemonsets",
  "deployments",
  "jobs",
  "poddisruptionbudgets",
  "pods",
  "replicasets",
  "replicationcontrollers",
  "statefulsets",
  "mutatingwebhookconfigurations",
  "validatingadmissionpolicies",
  "validatingwebhookconfigurations",
]);

export function hasGeneration(resource: Resource): boolean {
  return COUNTED.has(resource.plural);
}

/** Never taken from the client. Only a change of what is wanted raises it. */
export function withGeneration(
  resource: Resource,
  object: JsonObject,
  old: JsonObject,
): JsonObject {
  const before = metaOf(old).generation;
  if (!hasGeneration(resource)) return withMeta(object, { generation: before });
  const same = isDeepStrictEqual(wantedOf(object), wantedOf(old));
  return withMeta(object, { generation: (before ?? 0) + (same ? 0 : 1) });
}

/** Most kinds say it in their spec, webhook configurations beside their metadata. */
function wantedOf({ spec, webhooks }: JsonObject): readonly unknown[] {
  return [spec, webhooks];
}
