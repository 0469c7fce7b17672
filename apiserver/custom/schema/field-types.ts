/** How the fields of a schema merge in server-side apply: the table on top of `apply/field-type.ts`. */
import {
  DEDUCED,
  type FieldType,
  LEAF,
  type ListType,
  type MapType,
  SET,
} from "../../apply/field-type.ts";
import { metadataType } from "../../apply/kind-types.ts";
import { isEmbedded, preserves, propertiesOf, type Schema, valuesOf } from "./schema.ts";

/** Of a whole object. */
export function compileFieldTypes(schema: Schema): MapType {
  return mapType(schema, true);
}

function typeOf(schema: Schema): FieldType {
  if (schema["x-kubernetes-map-type"] === "atomic") return LEAF;
  if (schema.type === "array") return listTypeOf(schema);
  const isMap = schema.type === "object" || schema.properties !== undefined;
  if (isMap && !isUnknown(schema)) return mapType(schema, isEmbedded(schema));
  return preserves(schema) ? DEDUCED : LEAF;
}

function isUnknown(schema: Schema): boolean {
  const hasFields = schema.properties !== undefined || valuesOf(schema) !== undefined;
  return preserves(schema) && !hasFields && !isEmbedded(schema);
}

function mapType(schema: Schema, isObject: boolean): MapType {
  const fields = new Map<string, FieldType>(
    propertiesOf(schema).map(([name, property]) => [name, typeOf(property)]),
  );
  if (isObject) {
    for (const name of ["apiVersion", "kind"]) fields.set(name, LEAF);
    fields.set("metadata", metadataType());
  }
  const values = valuesOf(schema);
  const given = values === undefined || values === true ? undefined : typeOf(values);
  const others = given ?? (values === true || preserves(schema) ? DEDUCED : undefined);
  return { kind: "map", field: (name) => fields.get(name), others };
}

function listTypeOf(schema: Schema): FieldType {
  const listType = schema["x-kubernetes-list-type"];
  if (listType === "set") return SET;
  const items = schema.items as Schema | undefined;
  if (listType !== "map" || items === undefined) return LEAF;
  return keyedList(schema["x-kubernetes-list-map-keys"] ?? [], items);
}

function keyedList(keys: readonly string[], items: Schema): ListType {
  const properties = new Map(propertiesOf(items));
  const defaults = keys.flatMap((key) => {
    const value = properties.get(key)?.default;
    return value === undefined ? [] : [[key, value] as const];
  });
  return {
    kind: "list",
    keys: keys.toSorted(),
    keyDefaults: Object.fromEntries(defaults),
    items: typeOf(items),
  };
}
