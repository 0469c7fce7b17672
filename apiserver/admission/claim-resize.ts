import { tryParseQuantity } from "#lib/api/quantity";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { PersistentVolumeClaim } from "#proto/core/v1";
import type { StorageClass } from "#proto/storage/v1";
import { persistentVolumeClaims, storageClasses } from "#resources";
import type { Reader } from "../chain/steps.ts";
import type { Validator } from "./plugin.ts";

/** Who asks for more needs a class that says it can give more. */
export const claimResize: Validator = (request, reader) => {
  const { object, oldObject, operation, resource, subresource } = request;
  if (resource !== persistentVolumeClaims || subresource !== undefined || operation !== "UPDATE")
    return undefined;
  if (object === undefined || oldObject === undefined) return undefined;
  return amountOf(object) > amountOf(oldObject) ? checkClass(object, reader) : undefined;
};

async function checkClass(object: JsonObject, reader: Reader): Promise<void> {
  const { metadata, spec } = object as unknown as PersistentVolumeClaim;
  const name = spec.storageClassName ?? "";
  const found = name === "" ? undefined : await reader.get(storageClasses, undefined, name);
  if ((found?.object as StorageClass | undefined)?.allowVolumeExpansion === true) return;
  const why =
    "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize";
  throw new StatusError(
    "Forbidden",
    `persistentvolumeclaims "${metadata.name}" is forbidden: ${why}`,
    { details: { name: metadata.name, kind: "persistentvolumeclaims" } },
  );
}

function amountOf(object: JsonObject): bigint {
  const { spec } = object as unknown as PersistentVolumeClaim;
  return tryParseQuantity(spec.resources.requests?.["storage"] ?? "0")?.nanos ?? 0n;
}
