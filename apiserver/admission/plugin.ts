import type { JsonObject } from "#lib/json";
import { pods, type Resource } from "#resources";
import type { AdmissionRequest, Reader } from "../chain/steps.ts";

/**
 * Before validation: refuses by a StatusError, changes by giving back another object, agrees by giving back nothing.
 * A promise only where something has to be waited for: most plugins have nothing to say to most requests.
 */
export type Plugin = (
  request: AdmissionRequest,
  reader: Reader,
) => Promise<JsonObject | undefined> | JsonObject | undefined;

/** After validation: refuses by a StatusError. */
export type Validator = (request: AdmissionRequest, reader: Reader) => Promise<void> | undefined;

export function isCreateOf(request: AdmissionRequest, kind: string): boolean {
  return (
    request.operation === "CREATE" &&
    request.resource.kind === kind &&
    request.subresource === undefined
  );
}

export function isWriteOf(request: AdmissionRequest, resource: Resource): boolean {
  const { operation, subresource } = request;
  const isWrite = operation === "CREATE" || operation === "UPDATE";
  return isWrite && request.resource === resource && subresource === undefined;
}

/** What a pod that is there already asks for is changed. */
export function isResize({ operation, resource, subresource }: AdmissionRequest): boolean {
  return operation === "UPDATE" && resource === pods && subresource === "resize";
}
