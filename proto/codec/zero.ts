import type { JsonObject, JsonValue } from "#proto";
import { type Field, TYPE } from "./schema.ts";

/** What stands in JSON for a field that was not given, or undefined if it is left out. Structs are not asked here. */
export function zeroOf(field: Field): JsonValue | undefined {
  // Go writes a missing Quantity as "0" even with omitempty, since it is a struct.
  if (field.type === TYPE.quantity && !field.isPointer && !field.isList && !field.isMap) return "0";
  if (!field.isAlways || field.isPointer) return undefined;
  if (field.isList) return [];
  if (field.isMap) return {};
  switch (field.type) {
    case TYPE.string:
      return "";
    case TYPE.int32:
    case TYPE.int64:
    case TYPE.intOrString:
      return 0;
    case TYPE.bool:
      return false;
    case TYPE.duration:
      return "0s";
    case TYPE.slice:
      return [];
    default:
      // Go writes null for times, bytes and raw JSON that are absent; clients take absence for the same.
      return undefined;
  }
}

/** What decoders give for a map without entries: whether a large one has any cannot be asked without listing them all. */
export const EMPTY_MAP: JsonObject = Object.freeze({});

/** Whether Go's omitempty leaves this value out. */
export function isLeftOut(field: Field, value: unknown): boolean {
  if (field.isAlways) return false;
  if (field.isList || field.type === TYPE.slice) return (value as readonly unknown[]).length === 0;
  if (field.isMap) return value === EMPTY_MAP;
  if (field.isPointer) return false;
  // A port that was not given is 0 in Go, and in protobuf; rules that fill it in look for its absence.
  return value === "" || value === 0 || value === false;
}
