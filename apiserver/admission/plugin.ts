import type { JsonObject } from "#lib/json";
import type { AdmissionRequest, Reader } from "../chain/steps.ts";

/** Refuses by a StatusError, changes by giving back another object, agrees by giving back nothing. */
export type Plugin = (
  request: AdmissionRequest,
  reader: Reader,
) => Promise<JsonObject | undefined> | JsonObject | undefined;

export function isCreateOf(request: AdmissionRequest, kind: string): boolean {
  return (
    request.operation === "CREATE" &&
    request.resource.kind === kind &&
    request.subresource === undefined
  );
}
