/** The rules, as the chain applies them, for tests. */
import { applyDefaults } from "#codec";
import type { JsonObject } from "#lib/json";
import type { ApiObject } from "#proto";
import { apiVersionOf, type Resource } from "#resources";
import { rules } from "./index.ts";

/** As it comes out of decoding and defaulting. */
export function made(resource: Resource, fields: JsonObject): JsonObject {
  const kind = { apiVersion: apiVersionOf(resource), kind: resource.kind };
  const metadata = {
    name: "a",
    ...(resource.namespaced ? { namespace: "d" } : {}),
    ...(fields["metadata"] as JsonObject | undefined),
  };
  const object = { ...kind, ...fields, metadata } as unknown as ApiObject;
  return rules.prepareForCreate(resource, applyDefaults(kind, object) as unknown as JsonObject);
}

export function problems(resource: Resource, fields: JsonObject): readonly string[] {
  return rules
    .validateCreate(resource, made(resource, fields))
    .map(({ field, message }) => `${field}: ${message}`);
}

export function updated(
  resource: Resource,
  before: JsonObject,
  after: JsonObject,
): readonly string[] {
  const old = made(resource, before);
  const next = rules.prepareForUpdate(resource, made(resource, after), old, undefined);
  return rules
    .validateUpdate(resource, next, old, undefined)
    .map(({ field, message }) => `${field}: ${message}`);
}
