/** What holds for objects: their fields, how many, and which have to be there. */
import type { JsonValue } from "#lib/json";
import { type Check, named, wrong } from "./check.ts";
import { tooMany } from "./check-lists.ts";
import { below, isEmbedded, isObject, propertiesOf, type Schema, valuesOf } from "./schema.ts";

export function checksOfStructure(
  schema: Schema,
  compile: (schema: Schema) => Check,
): readonly Check[] {
  const { maxProperties, minProperties } = schema;
  const required = [
    ...(schema.required ?? []),
    ...(isEmbedded(schema) ? ["apiVersion", "kind"] : []),
  ];
  const checks: Check[] = [];
  if (required.length > 0) checks.push(requiredCheck(required));
  if (maxProperties !== undefined) {
    checks.push((value, _old, path, causes) => {
      const count = isObject(value) ? Object.keys(value).length : 0;
      if (count > maxProperties) causes.push(tooMany(path, count, maxProperties));
    });
  }
  if (minProperties !== undefined) {
    checks.push((value, _old, path, causes) => {
      if (isObject(value) && Object.keys(value).length < minProperties)
        causes.push(wrong(path, value, `should have at least ${minProperties} properties`));
    });
  }
  const values = valuesOf(schema);
  const others = values === undefined || values === true ? undefined : compile(values);
  const fields = new Map(propertiesOf(schema).map(([name, field]) => [name, compile(field)]));
  if (fields.size > 0 || others !== undefined) checks.push(fieldsCheck(fields, others));
  return checks;
}

function requiredCheck(required: readonly string[]): Check {
  return (value, _old, path, causes) => {
    if (!isObject(value)) return;
    for (const name of required) {
      if (!Object.hasOwn(value, name))
        causes.push({
          reason: "FieldValueRequired",
          field: named(below(path, name)),
          message: "Required value",
        });
    }
  };
}

function fieldsCheck(fields: ReadonlyMap<string, Check>, others: Check | undefined): Check {
  return (value, old, path, causes) => {
    if (!isObject(value)) return;
    for (const [name, item] of Object.entries(value)) {
      const check = fields.get(name) ?? others;
      check?.(item, fieldOf(old, name), below(path, name), causes);
    }
  };
}

function fieldOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
