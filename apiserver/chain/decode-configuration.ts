import { decodeJson, type Problem } from "#codec";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import { apiVersionOf } from "#resources";
import { customKindOf } from "./custom-kind.ts";
import { refusal } from "./decode-body.ts";
import { identify } from "./identity.ts";
import { metaOf } from "./object-meta.ts";
import type { Body, Call } from "./steps.ts";

/** A configuration to apply, as it was given: what it does not mention must not be filled in, or its manager would own it. */
export function decodeConfiguration(call: Call, body: Body): JsonObject {
  const { resource } = call;
  const kind = { apiVersion: apiVersionOf(resource), kind: resource.kind };
  const { problems } =
    customKindOf(resource)?.decode(body, "Strict") ??
    decodeJson(kind, body, { fieldValidation: "Strict" });
  const unknown = problems.filter(({ type }) => type === "unknown");
  if (unknown.length > 0) throw notTyped(call, unknown.map(undeclared).join("\n"));
  const isStrict = call.fieldValidation === "Strict";
  const hard = problems.filter(({ type }) => isStrict || type !== "duplicate");
  if (hard.length > 0) throw refusal(call, hard);
  if (call.fieldValidation !== "Ignore") for (const { message } of problems) call.warn?.(message);
  const given = body instanceof Uint8Array ? parsed(body) : body;
  if (metaOf(given).managedFields !== undefined)
    throw new StatusError("BadRequest", "metadata.managedFields must be nil");
  return identify(call, given);
}

/** What has no place in the kind's description cannot be owned, whatever `fieldValidation` says. */
export function notTyped(call: Call, why: string): StatusError {
  const { resource, namespace = "", name = "" } = call;
  const version = apiVersionOf(resource);
  const which = `${namespace}/${name}; ${version}, Kind=${resource.kind}`;
  return new StatusError("BadRequest", `failed to create typed patch object (${which}): ${why}`);
}

function undeclared({ path }: Problem): string {
  return `.${path}: field not declared in schema`;
}

/** The decoder has found it to be an object. */
function parsed(body: Uint8Array): JsonObject {
  return JSON.parse(Buffer.from(body).toString("utf8")) as JsonObject;
}
