import type { JsonObject, JsonValue } from "#lib/json";
import type { JSONSchemaProps } from "#proto/apiextensions/v1";

export type Schema = JSONSchemaProps;

/** The fields that every object has, whatever its schema says. */
export const OBJECT_FIELDS = new Set(["apiVersion", "kind", "metadata"]);

/** The schema of a map's values; `true` for anything, undefined where there are no fields but those that have names. */
export function valuesOf(schema: Schema): Schema | true | undefined {
  const given = schema.additionalProperties;
  if (given === undefined || given === null || given === false) return undefined;
  return given === true ? true : (given as unknown as Schema);
}

export function propertiesOf(schema: Schema): readonly (readonly [string, Schema])[] {
  return Object.entries(schema.properties ?? {});
}

export function preserves(schema: Schema): boolean {
  return schema["x-kubernetes-preserve-unknown-fields"] === true;
}

export function isEmbedded(schema: Schema): boolean {
  return schema["x-kubernetes-embedded-resource"] === true;
}

export function isIntOrString(schema: Schema): boolean {
  return schema["x-kubernetes-int-or-string"] === true;
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** `spec.a`, and `a` at the root. */
export function below(path: string, field: string): string {
  return path === "" ? field : `${path}.${field}`;
}
