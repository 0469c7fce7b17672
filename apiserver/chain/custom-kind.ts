/** What the chain asks of a custom kind where for built-in kinds it asks the codec, the rules and the tables. */
import type { Decoded } from "#codec";
import type { JsonObject, JsonValue } from "#lib/json";
import type { StatusCause } from "#lib/status-error";
import type { Resource } from "#resources";
import type { MapType } from "../apply/field-type.ts";
import type { Column, Row } from "../table/table.ts";
import type { Published } from "./published.ts";
import type { Body, FieldValidation } from "./steps.ts";

/** Where in an object a Scale's fields are. */
export interface ScalePaths {
  readonly specReplicas: readonly string[];
  readonly statusReplicas: readonly string[];
  /** Of a selector in its form as text. */
  readonly labelSelector: readonly string[] | undefined;
}

/** Why a kind ended that will not be there again. */
export const ENDING = "ending";

export interface CustomKind {
  /** Aborts when the definition changes, or with ENDING when it is deleted: watches end with it. */
  readonly ended: AbortSignal;
  /** The definition is being deleted: objects may end, but none begin. */
  readonly isTerminating: boolean;
  readonly hasStatus: boolean;
  readonly scale: ScalePaths | undefined;
  /** What field selectors may name, beside metadata's fields: `spec.color`. */
  readonly selectableFields: readonly string[];
  readonly columns: readonly Column[];
  row(object: JsonObject, nowMs: number): Row;
  /** Parsed and pruned; what was pruned is a problem, a warning or nothing. */
  decode(body: Body, fieldValidation: FieldValidation): Decoded;
  /** With the schema's defaults. */
  complete(object: JsonObject): JsonObject;
  /** How its fields merge in server-side apply. */
  readonly fields: MapType;
  validate(object: JsonObject, old: JsonObject | undefined): readonly StatusCause[];
  /** Stored objects as this version shows them. The very same ones where nothing has to change. */
  show(stored: readonly Published[]): Promise<readonly Published[]>;
  /** In the version that is stored. */
  toStorage(objects: readonly JsonObject[]): Promise<readonly JsonObject[]>;
  /** What those who use a deprecated version are told. */
  readonly deprecation: string | undefined;
}

/** A row of the table of kinds that a definition made. */
export interface CustomResource extends Resource {
  /** Compiled when somebody first asks: of many kinds in a cluster, few are used in an hour. */
  readonly custom: CustomKind;
  /** As OpenAPI shows it; undefined when the definition says nothing. */
  readonly schema: JsonObject | undefined;
}

export function isCustom(resource: Resource): resource is CustomResource {
  return "custom" in resource;
}

/** Undefined for a built-in kind. */
export function customKindOf(resource: Resource): CustomKind | undefined {
  return (resource as Partial<CustomResource>).custom;
}

/** The value at a path of field names. */
export function valueAt(object: JsonObject, path: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = object;
  for (const step of path) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    value = (value as JsonObject)[step];
  }
  return value;
}

/** The object with another value at a path of field names. */
export function withValueAt(
  object: JsonObject,
  path: readonly string[],
  value: JsonValue,
): JsonObject {
  const [step = "", ...rest] = path;
  if (rest.length === 0) return { ...object, [step]: value };
  const inner = object[step];
  const parent = typeof inner === "object" && inner !== null && !Array.isArray(inner) ? inner : {};
  return { ...object, [step]: withValueAt(parent as JsonObject, rest, value) };
}
