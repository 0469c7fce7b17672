/** A request as those see it who registered for another version of its kind: `matchPolicy: Equivalent`. */
import type { JsonObject } from "#lib/json";
import type { Resource } from "#resources";
import { customKindOf } from "../../chain/custom-kind.ts";
import { inFace } from "../../chain/faces.ts";
import { Published } from "../../chain/published.ts";
import type { AdmissionRequest } from "../../chain/steps.ts";

export interface VersionedRequest extends AdmissionRequest {
  /** What the client asked for, where `resource` is another version of it. */
  readonly requested?: Resource;
}

/** Waits for a conversion only where there is another version. */
export async function requestIn(
  request: AdmissionRequest,
  resource: Resource,
): Promise<VersionedRequest> {
  if (resource === request.resource) return request;
  const { object, oldObject, resource: requested } = request;
  const [now, before] = await Promise.all(
    [object, oldObject].map((each) => each && objectIn(each, requested, resource)),
  );
  return {
    ...request,
    resource,
    requested,
    ...(now === undefined ? {} : { object: now }),
    ...(before === undefined ? {} : { oldObject: before }),
  };
}

/** Custom kinds have versions that differ, built-in ones faces; what a sub-resource speaks has neither. */
export async function objectIn(
  object: JsonObject,
  from: Resource,
  to: Resource,
): Promise<JsonObject> {
  if (from === to || object["kind"] !== from.kind) return object;
  const [source, target] = [customKindOf(from), customKindOf(to)];
  if (source === undefined || target === undefined) return inFace(object, from, to);
  const [stored = object] = await source.toStorage([object]);
  const [shown] = await target.show([Published.unsaved(stored)]);
  return shown?.json ?? object;
}
