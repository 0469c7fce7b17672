import type { JsonObject } from "#lib/json";
import { decodeBody } from "../chain/decode-body.ts";
import type { AdmissionRequest, Rules } from "../chain/steps.ts";

/** An object that somebody outside wrote, as the server keeps it: known fields only, defaults, no status of its own. */
export function settle(rules: Rules, request: AdmissionRequest, object: JsonObject): JsonObject {
  const { name, namespace, oldObject, resource, subresource, user } = request;
  if (object["kind"] !== resource.kind) return object;
  const call = {
    user,
    resource,
    fieldValidation: "Ignore",
    ...(name === undefined ? {} : { name }),
    ...(namespace === undefined ? {} : { namespace }),
  } as const;
  const decoded = decodeBody(call, object);
  return oldObject === undefined
    ? rules.prepareForCreate(resource, decoded)
    : rules.prepareForUpdate(resource, decoded, oldObject, subresource);
}
