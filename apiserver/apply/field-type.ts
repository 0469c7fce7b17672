/**
 * What server-side apply has to know of a kind's fields, and all it asks. Built-in kinds answer out of the codec's tables
 * (kind-types.ts). A custom resource's OpenAPI schema translates so:
 *
 * | OpenAPI                                               | FieldType                                            |
 * |-------------------------------------------------------|------------------------------------------------------|
 * | `properties`                                          | `map` with `field`                                   |
 * | `additionalProperties`                                | `map` with `others`                                  |
 * | `x-kubernetes-preserve-unknown-fields`                | `map` with `others: DEDUCED`; without properties `DEDUCED` |
 * | `x-kubernetes-map-type: atomic`                       | `LEAF`                                               |
 * | `x-kubernetes-list-type: map`, `-list-map-keys`       | `list`; `keyDefaults` are the `default`s of the keys |
 * | `x-kubernetes-list-type: set`                         | `SET`                                                |
 * | any other array; string, number, boolean, int-or-string | `LEAF`                                             |
 *
 * Its `metadata` is `metadataType()` of kind-types.ts, as for every kind. See custom/schema/field-types.ts.
 */
import type { JsonValue } from "#lib/json";

export type FieldType = DeducedType | LeafType | ListType | MapType | SetType;

/** Owned and replaced as a whole: a scalar, or a list, map or struct that is atomic. */
export interface LeafType {
  readonly kind: "leaf";
}

/** Nothing is known: objects are maps of such fields, all else is a leaf. */
export interface DeducedType {
  readonly kind: "deduced";
}

/** A struct, a map, or both: each field has its own owners. */
export interface MapType {
  readonly kind: "map";
  /** A field that the schema names; undefined for one that it does not. */
  field(name: string): FieldType | undefined;
  /** Of the values of a map; undefined when only named fields may be there. */
  readonly others: FieldType | undefined;
}

/** A list of scalars, each of which is there once and has its own owners. */
export interface SetType {
  readonly kind: "set";
}

/** A list of objects that are told apart by some of their fields, in whatever order they stand. */
export interface ListType {
  readonly kind: "list";
  /** In alphabetical order, as in `k:{"containerPort":80,"protocol":"TCP"}`. */
  readonly keys: readonly string[];
  /** What a key is that an item leaves out. */
  readonly keyDefaults: Readonly<Record<string, JsonValue>>;
  readonly items: FieldType;
}

export const LEAF: LeafType = { kind: "leaf" };
export const DEDUCED: DeducedType = { kind: "deduced" };
export const SET: SetType = { kind: "set" };

/** The type of a field of a map; what the schema does not know is deduced. */
export function fieldType(map: MapType, name: string): FieldType {
  return map.field(name) ?? map.others ?? DEDUCED;
}

const DEDUCED_MAP: MapType = { kind: "map", field: () => undefined, others: DEDUCED };

/** How an object of this type is merged field by field; undefined where it is replaced. */
export function mapTypeOf(type: FieldType): MapType | undefined {
  if (type.kind === "map") return type;
  return type.kind === "deduced" ? DEDUCED_MAP : undefined;
}

/** Whether a list of this type is merged item by item. */
export function isKeyed(type: FieldType): type is ListType | SetType {
  return type.kind === "list" || type.kind === "set";
}

export function itemsOf(type: ListType | SetType): FieldType {
  return type.kind === "list" ? type.items : LEAF;
}
