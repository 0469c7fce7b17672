/** `metadata.generation` counts the changes of what is wanted, so that a status can say which of them it has seen. */
import type { JsonObject, JsonValue } from "#lib/json";
import { sameJson } from "#lib/same-json";
import type { Resource } from "#resources";
import { customKindOf } from "./custom-kind.ts";
import { metaOf, withMeta } from "./object-meta.ts";

const COUNTED = new Set([
  "cronjobs",
  "customresourcedefinitions",
  "daemonsets",
  "deployments",
  "horizontalpodautoscalers",
  "flowschemas",
  "ingressclasses",
  "ingresses",
  "jobs",
  "poddisruptionbudgets",
  "pods",
  "prioritylevelconfigurations",
  "replicasets",
  "replicationcontrollers",
  "statefulsets",
  "mutatingadmissionpolicies",
  "mutatingwebhookconfigurations",
  "validatingadmissionpolicies",
  "validatingwebhookconfigurations",
]);

export function hasGeneration(resource: Resource): boolean {
  return customKindOf(resource) !== undefined || COUNTED.has(resource.plural);
}

/** Never taken from the client. Only a change of what is wanted raises it. */
export function withGeneration(
  resource: Resource,
  object: JsonObject,
  old: JsonObject,
): JsonObject {
  const before = metaOf(old).generation;
  if (!hasGeneration(resource)) return withMeta(object, { generation: before });
  const same = sameJson(wantedOf(resource, object), wantedOf(resource, old));
  return withMeta(object, { generation: (before ?? 0) + (same ? 0 : 1) });
}

/**
 * Most kinds say it in their spec, webhook configurations beside their metadata; a custom kind everywhere but where
 * somebody else writes.
 */
function wantedOf(resource: Resource, object: JsonObject): JsonValue {
  const kind = customKindOf(resource);
  const { apiVersion: _, metadata: __, status = null, ...rest } = object;
  if (kind === undefined) return [rest["spec"] ?? null, rest["webhooks"] ?? null];
  return kind.hasStatus ? rest : { ...rest, status };
}
