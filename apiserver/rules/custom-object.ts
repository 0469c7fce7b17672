/** Which parts of a custom object its routes write. */
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { CustomKind } from "../chain/custom-kind.ts";

export function newCustomObject(kind: CustomKind, object: JsonObject): JsonObject {
  if (kind.isTerminating) {
    const why = "create not allowed while custom resource definition is terminating";
    throw new StatusError("MethodNotAllowed", why);
  }
  return kind.hasStatus ? withStatus(object, undefined) : object;
}

export function changedCustomObject(
  kind: CustomKind,
  object: JsonObject,
  old: JsonObject,
  subresource: string | undefined,
): JsonObject {
  if (subresource === "status") return withStatus(old, object);
  return kind.hasStatus ? withStatus(object, old) : object;
}

function withStatus(object: JsonObject, from: JsonObject | undefined): JsonObject {
  const { status: _, ...rest } = object;
  const status = from?.["status"];
  return status === undefined ? rest : { ...rest, status };
}
