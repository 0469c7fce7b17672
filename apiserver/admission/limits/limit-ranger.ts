import { qosClass } from "#lib/api/pod-resources";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { LimitRange, PersistentVolumeClaim, Pod } from "#proto/core/v1";
import { limitRanges, persistentVolumeClaims, pods } from "#resources";
import type { AdmissionRequest, Reader } from "../../chain/steps.ts";
import { isCreateOf, isResize, type Plugin, type Validator } from "../plugin.ts";
import { claimProblems, podProblems } from "./bounds.ts";
import { withDefaults } from "./defaults.ts";

/** Gives new and resized pods what their namespace's LimitRanges have for containers that say nothing. */
export const limitDefaults: Plugin = (request, reader) => {
  const { namespace, object } = request;
  if (!isCreateOf(request, "Pod") && !isResize(request)) return undefined;
  if (namespace === undefined || object === undefined) return undefined;
  return complete(object, namespace, reader);
};

async function complete(
  object: JsonObject,
  namespace: string,
  reader: Reader,
): Promise<JsonObject | undefined> {
  const changed = withDefaults(object as unknown as Pod, await rangesOf(reader, namespace));
  return changed && withQosClass(changed);
}

/** Of a new pod, it was found before it had these; a pod's route for resizing leaves the status alone. */
function withQosClass(object: JsonObject): JsonObject {
  const { status } = object;
  if (typeof status !== "object" || status === null || Array.isArray(status)) return object;
  return { ...object, status: { ...status, qosClass: qosClass(object as unknown as Pod) } };
}

/** Holds pods new and resized, and claims new or changed, to the bounds. */
export const limitBounds: Validator = (request, reader) => {
  const { namespace, object, operation, resource, subresource } = request;
  if (namespace === undefined || object === undefined) return undefined;
  const isWhole = subresource === undefined;
  const isPod = (isWhole && resource === pods && operation === "CREATE") || isResize(request);
  const isClaim = isWhole && resource === persistentVolumeClaims && operation !== "DELETE";
  return isPod || isClaim ? check(request, object, namespace, reader) : undefined;
};

async function check(
  { name = "", resource }: AdmissionRequest,
  object: JsonObject,
  namespace: string,
  reader: Reader,
): Promise<void> {
  const ranges = await rangesOf(reader, namespace);
  const problems = ranges.flatMap((range) =>
    resource === pods
      ? podProblems(object as unknown as Pod, range)
      : claimProblems(object as unknown as PersistentVolumeClaim, range),
  );
  const [first] = problems;
  if (first === undefined) return;
  const why = problems.length === 1 ? first : `[${problems.join(", ")}]`;
  throw new StatusError("Forbidden", `${resource.plural} "${name}" is forbidden: ${why}`, {
    details: { name, kind: resource.plural },
  });
}

async function rangesOf(reader: Reader, namespace: string): Promise<readonly LimitRange[]> {
  const { items } = await reader.list({ resource: limitRanges, namespace });
  return items.map(({ object }) => object as LimitRange);
}
