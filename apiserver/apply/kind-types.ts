/** The field types of built-in kinds, out of the codec's tables. */
import { decodeJson, type Field, type Message, messageNamed, schemaOf, TYPE } from "#codec";
import { assert } from "#lib/assert";
import type { JsonObject } from "#lib/json";
import { apiVersionOf, type Resource } from "#resources";
import { type FieldType, LEAF, type ListType, type MapType, SET } from "./field-type.ts";

export interface KindType {
  readonly type: MapType;
  /** The kind without any field set, with the structs that are always there: nobody comes to own those by a create. */
  readonly empty: JsonObject;
}

const kinds = new WeakMap<Resource, KindType>();

export function kindTypeOf(resource: Resource): KindType {
  const known = kinds.get(resource);
  if (known !== undefined) return known;
  const ref = { apiVersion: apiVersionOf(resource), kind: resource.kind };
  const message = schemaOf(ref.apiVersion, ref.kind);
  const { object } = decodeJson(ref, {}, { fieldValidation: "Ignore" });
  assert(message !== undefined && object !== undefined, `${resource.kind} has a description`);
  const made = { type: structType(message), empty: object as unknown as JsonObject };
  kinds.set(resource, made);
  return made;
}

/** Of `metadata`, whatever the kind. */
export function metadataType(): MapType {
  const message = messageNamed("meta.v1.ObjectMeta");
  assert(message !== undefined, "ObjectMeta has a description");
  return structType(message);
}

const structs = new WeakMap<Message, MapType>();

function structType(message: Message): MapType {
  const known = structs.get(message);
  if (known !== undefined) return known;
  const fields = new Map<string, FieldType>();
  const made: MapType = {
    kind: "map",
    others: undefined,
    field(name) {
      let type = fields.get(name);
      if (type !== undefined) return type;
      const field = message.byName.get(name);
      if (field === undefined) return undefined;
      type = typeOf(field);
      fields.set(name, type);
      return type;
    },
  };
  structs.set(message, made);
  return made;
}

function typeOf(field: Field): FieldType {
  if (field.structType === "atomic") return LEAF;
  if (field.isList) return listType(field);
  const { message } = field;
  const isStruct = field.type === TYPE.message && message !== undefined;
  const one = isStruct ? itemType(message, field.structType === "granular") : LEAF;
  if (!field.isMap) return one;
  return { kind: "map", field: () => undefined, others: one };
}

function itemType(message: Message, isGranular = false): FieldType {
  return message.structType === "atomic" && !isGranular ? LEAF : structType(message);
}

/** Lists that say nothing of apply merge by the key of the strategic merge patch, or not at all. */
function listType(field: Field): FieldType {
  const { listType: declared, message, mergeKey } = field;
  const merges = declared === undefined && field.patchStrategy.includes("merge");
  if (declared === "set" || (merges && mergeKey === undefined)) return SET;
  const keys = merges && mergeKey !== undefined ? [mergeKey] : field.mapKeys;
  if ((declared !== "map" && !merges) || message === undefined) return LEAF;
  return keyedList(keys, message);
}

function keyedList(keys: readonly string[], message: Message): ListType {
  const defaults = keys.flatMap((key) => {
    const value = message.byName.get(key)?.defaultValue;
    return value === undefined ? [] : [[key, value] as const];
  });
  return {
    kind: "list",
    keys: keys.toSorted(),
    keyDefaults: Object.fromEntries(defaults),
    items: itemType(message),
  };
}
