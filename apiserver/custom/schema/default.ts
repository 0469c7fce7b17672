/** Fills in what a value leaves out. Parts without change are shared; nothing is changed in place. */
import type { JsonObject, JsonValue } from "#lib/json";
import { isList, isObject, propertiesOf, type Schema, valuesOf } from "./schema.ts";

export type Complete = (value: JsonValue) => JsonValue;

interface Field {
  readonly name: string;
  readonly isNullable: boolean;
  /** Complete itself: what is in it has its defaults too. */
  readonly value: JsonValue | undefined;
  readonly complete: Complete | undefined;
}

/** Undefined when there is nothing to fill in. A null where none may be counts as left out. */
export function compileDefaults(schema: Schema): Complete | undefined {
  if (schema.items !== undefined) return completeItems(compileDefaults(schema.items));
  const fields = propertiesOf(schema).map(([name, field]) => fieldOf(name, field));
  const values = valuesOf(schema);
  const others = values === undefined || values === true ? undefined : fieldOf("", values);
  if (fields.length === 0 && others === undefined) return undefined;
  return (value) => (isObject(value) ? completeObject(fields, others, value) : value);
}

function fieldOf(name: string, schema: Schema): Field {
  const complete = compileDefaults(schema);
  const given = schema.default;
  const value = given === undefined || complete === undefined ? given : complete(given);
  return { name, isNullable: schema.nullable === true, value, complete };
}

function completeItems(complete: Complete | undefined): Complete | undefined {
  if (complete === undefined) return undefined;
  return (value) => {
    if (!isList(value)) return value;
    const after = value.map(complete);
    return after.some((item, at) => item !== value[at]) ? after : value;
  };
}

function completeObject(
  fields: readonly Field[],
  others: Field | undefined,
  value: JsonObject,
): JsonObject {
  let changed: Map<string, JsonValue> | undefined;
  const put = (name: string, before: JsonValue | undefined, after: JsonValue | undefined): void => {
    if (after === before) return;
    changed ??= new Map(Object.entries(value));
    if (after === undefined) changed.delete(name);
    else changed.set(name, after);
  };
  for (const field of fields) {
    const before = Object.hasOwn(value, field.name) ? value[field.name] : undefined;
    put(field.name, before, completeField(field, before));
  }
  if (others !== undefined) {
    for (const [name, before] of Object.entries(value)) {
      if (!fields.some((field) => field.name === name))
        put(name, before, completeField(others, before));
    }
  }
  return changed === undefined ? value : (Object.fromEntries(changed) as JsonObject);
}

function completeField(field: Field, before: JsonValue | undefined): JsonValue | undefined {
  if (before === undefined) return field.value;
  if (before === null) return field.isNullable ? null : field.value;
  return field.complete === undefined ? before : field.complete(before);
}
