/** Checks that an object is of the kind, name and namespace that its route says. */
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import { apiVersionOf } from "#resources";
import { isObject, metaOf, withMeta } from "./object-meta.ts";
import type { Call } from "./steps.ts";

/** Fills in what a client may leave out (kind, namespace), and refuses what contradicts the route. */
export function identify(call: Call, given: JsonObject): JsonObject {
  const { resource } = call;
  const apiVersion = apiVersionOf(resource);
  const typed = {
    ...given,
    apiVersion: given["apiVersion"] || apiVersion,
    kind: given["kind"] || resource.kind,
    metadata: isObject(given["metadata"]) ? given["metadata"] : {},
  };
  if (typed.apiVersion !== apiVersion) {
    throw new StatusError(
      "BadRequest",
      `the API version in the data (${String(typed.apiVersion)}) does not match the expected API version (${apiVersion})`,
    );
  }
  if (typed.kind !== resource.kind) {
    throw new StatusError(
      "BadRequest",
      `${String(typed.kind)} in version "${resource.version}" cannot be handled as a ${resource.kind}: the object provided is of another kind`,
    );
  }
  return placed(call, typed);
}

function placed(call: Call, object: JsonObject): JsonObject {
  const meta = metaOf(object);
  if (call.name !== undefined && meta.name !== undefined && meta.name !== call.name) {
    throw new StatusError(
      "BadRequest",
      `the name of the object (${meta.name}) does not match the name on the URL (${call.name})`,
    );
  }
  const named =
    call.name === undefined || meta.name ? object : withMeta(object, { name: call.name });
  if (!call.resource.namespaced) return withMeta(named, { namespace: undefined });
  if (meta.namespace && meta.namespace !== call.namespace) {
    throw new StatusError(
      "BadRequest",
      "the namespace of the provided object does not match the namespace sent on the request",
    );
  }
  return withMeta(named, { namespace: call.namespace });
}
