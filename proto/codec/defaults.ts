import type { ApiObject, JsonObject, JsonValue } from "#proto";
import type { KindRef } from "./decode-json.ts";
import { imagePullPolicy } from "./image-pull-policy.ts";
import type { Field, Message } from "./schema.ts";
import { isComputed, schemaOf } from "./tables.ts";

/** The object with Kubernetes' static defaults. Parts without change are shared; nothing is changed in place. */
export function applyDefaults<T extends ApiObject>(kind: KindRef, object: T): T {
  const schema = schemaOf(kind.apiVersion, kind.kind);
  if (schema === undefined) return object;
  return withDefaults(schema, object as unknown as JsonObject) as unknown as T;
}

/** The same for a part of an object: a pod template, a container. */
export function withDefaults(message: Message, value: JsonObject): JsonObject {
  let changed: Record<string, JsonValue> | undefined;
  let isLonger = false;
  for (const field of message.defaulting) {
    const before = (changed ?? value)[field.name];
    const after = isAbsent(field, before)
      ? defaultOf(field, changed ?? value)
      : below(field, before);
    if (after === before || after === undefined) continue;
    changed ??= { ...value };
    changed[field.name] = after;
    isLonger ||= before === undefined;
  }
  if (changed === undefined) return value;
  return isLonger ? inOrder(message, changed) : changed;
}

/** Go does not tell an empty string from none, where the field is no pointer. */
function isAbsent(field: Field, value: JsonValue | undefined): value is undefined {
  return value === undefined || (value === "" && field.isAlways && !field.isPointer);
}

function below(field: Field, value: JsonValue): JsonValue {
  const { message } = field;
  if (message === undefined || message.defaulting.length === 0) return value;
  if (field.isList) return listWithDefaults(message, value as readonly JsonObject[]);
  if (field.isMap) return mapWithDefaults(message, value as Readonly<Record<string, JsonObject>>);
  return withDefaults(message, value as JsonObject);
}

function listWithDefaults(message: Message, items: readonly JsonObject[]): readonly JsonObject[] {
  let changed: JsonObject[] | undefined;
  for (const [at, item] of items.entries()) {
    const after = withDefaults(message, item);
    if (after === item) continue;
    changed ??= [...items];
    changed[at] = after;
  }
  return changed ?? items;
}

function mapWithDefaults(
  message: Message,
  entries: Readonly<Record<string, JsonObject>>,
): JsonObject {
  let changed: Record<string, JsonValue> | undefined;
  for (const key of Object.keys(entries)) {
    const item = entries[key];
    if (item === undefined) continue;
    const after = withDefaults(message, item);
    if (after === item) continue;
    changed ??= { ...entries };
    changed[key] = after;
  }
  return changed ?? entries;
}

function defaultOf(field: Field, siblings: JsonObject): JsonValue | undefined {
  if (isComputed(field)) return imagePullPolicy(siblings["image"]);
  const value = field.defaultValue;
  if (value === undefined || !holds(field, siblings)) return undefined;
  return typeof value === "object" ? below(field, value) : value;
}

function holds(field: Field, siblings: JsonObject): boolean {
  const condition = field.defaultWhen;
  if (condition === undefined) return true;
  const given = siblings[condition.field];
  return typeof given === "string" && condition.values.includes(given);
}

/** As Kubernetes orders them; and objects of one kind then share a hidden class. */
function inOrder(message: Message, value: JsonObject): JsonObject {
  const out: Record<string, JsonValue> = {};
  if (message.isTyped) {
    if (value["kind"] !== undefined) out["kind"] = value["kind"];
    if (value["apiVersion"] !== undefined) out["apiVersion"] = value["apiVersion"];
  }
  for (const { name } of message.fields) {
    const item = value[name];
    if (item !== undefined) out[name] = item;
  }
  return out;
}
