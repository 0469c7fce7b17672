import { applyDefaults, decodeJson, type Problem } from "#codec";
import type { JsonObject } from "#lib/json";
import { type StatusCause, StatusError } from "#lib/status-error";
import type { ApiObject } from "#proto";
import { apiVersionOf } from "#resources";
import { customKindOf } from "./custom-kind.ts";
import { invalid } from "./failures.ts";
import { identify } from "./identity.ts";
import { tooLarge } from "./json-text.ts";
import type { Body, Call } from "./steps.ts";

/** The object in its JSON shape: checked against its kind's description and its route, defaults filled in. */
export function decodeBody(call: Call, body: Body): JsonObject {
  const { resource } = call;
  const kind = { apiVersion: apiVersionOf(resource), kind: resource.kind };
  const fieldValidation = call.fieldValidation ?? "Warn";
  const custom = customKindOf(resource);
  const decoded =
    custom === undefined
      ? decodeJson(kind, body, { fieldValidation })
      : custom.decode(body, fieldValidation);
  for (const warning of decoded.warnings) call.warn?.(warning.message);
  if (decoded.object === undefined) throw refusal(call, decoded.problems);
  const identified = identify(call, decoded.object as unknown as JsonObject);
  if (custom !== undefined) return custom.complete(identified);
  return applyDefaults(kind, identified as unknown as ApiObject) as unknown as JsonObject;
}

export function refusal(call: Call, problems: readonly Problem[]): StatusError {
  const size = problems.find((p) => p.type === "size");
  if (size !== undefined) return tooLarge(size.message);
  const strict = problems.every((p) => p.type === "unknown" || p.type === "duplicate");
  const texts = problems.map((p) => p.message).join(", ");
  if (strict) {
    return new StatusError(
      "BadRequest",
      `${call.resource.kind} in version "${call.resource.version}" cannot be handled as a ${call.resource.kind}: strict decoding error: ${texts}`,
    );
  }
  if (problems.every((p) => p.type === "value"))
    return invalid(call.resource, call.name ?? "", problems.map(causeOf));
  return new StatusError(
    "BadRequest",
    `${call.resource.kind} in version "${call.resource.version}" cannot be handled as a ${call.resource.kind}: ${texts}`,
    { details: { causes: problems.map(causeOf) } },
  );
}

function causeOf({ message, path }: Problem): StatusCause {
  if (path === "") return { reason: "FieldValueInvalid", message };
  const prefix = `${path}: `;
  // A cause has a place for the field; its message need not name it once more.
  const rest = message.startsWith(prefix) ? message.slice(prefix.length) : message;
  return { reason: "FieldValueInvalid", message: rest, field: path };
}
