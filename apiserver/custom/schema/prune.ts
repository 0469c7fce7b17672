/** Takes out of a value what its schema does not know. Parts without change are shared; nothing is changed in place. */
import type { JsonObject, JsonValue } from "#lib/json";
import {
  below,
  isEmbedded,
  isList,
  isObject,
  OBJECT_FIELDS,
  preserves,
  propertiesOf,
  type Schema,
  valuesOf,
} from "./schema.ts";

/** Gives the value without unknown fields, and adds their paths to `unknown`. */
export type Prune = (value: JsonValue, path: string, unknown: string[]) => JsonValue;

const KEEP: Prune = (value) => value;
/** Of an object within an object; its own metadata is checked by its kind, which is not known here. */
const ROOT_FIELDS: ReadonlyMap<string, Prune> = new Map(
  [...OBJECT_FIELDS].map((name) => [name, KEEP]),
);

/** `isRoot`: the schema is of a whole object, so apiVersion, kind and metadata are known without being named. */
export function compilePrune(schema: Schema, isRoot = false): Prune {
  const { items } = schema;
  if (items !== undefined) return pruneItems(compilePrune(items));
  const fields = new Map<string, Prune>(
    propertiesOf(schema).map(([name, field]) => [name, compilePrune(field)]),
  );
  if (isRoot || isEmbedded(schema)) for (const [name, keep] of ROOT_FIELDS) fields.set(name, keep);
  const values = valuesOf(schema);
  if (values === true) return KEEP;
  const others = values === undefined ? undefined : compilePrune(values);
  const keepsOthers = preserves(schema);
  if (keepsOthers && [...fields.values()].every((field) => field === KEEP)) return KEEP;
  if (schema.type !== "object" && fields.size === 0 && others === undefined) return KEEP;
  return pruneFields(fields, others ?? (keepsOthers ? KEEP : undefined));
}

function pruneItems(prune: Prune): Prune {
  if (prune === KEEP) return KEEP;
  return (value, path, unknown) => {
    if (!isList(value)) return value;
    let changed: JsonValue[] | undefined;
    for (const [at, item] of value.entries()) {
      const after = prune(item, `${path}[${at}]`, unknown);
      if (after === item) continue;
      changed ??= [...value];
      changed[at] = after;
    }
    return changed ?? value;
  };
}

function pruneFields(fields: ReadonlyMap<string, Prune>, others: Prune | undefined): Prune {
  return (value, path, unknown) => {
    if (!isObject(value)) return value;
    const kept: [string, JsonValue][] = [];
    let isSame = true;
    for (const [name, item] of Object.entries(value)) {
      const prune = fields.get(name) ?? others;
      if (prune === undefined) unknown.push(below(path, name));
      const after = prune?.(item, below(path, name), unknown);
      if (after !== undefined) kept.push([name, after]);
      isSame &&= after === item;
    }
    // Not by assignment: a field may be called __proto__.
    return isSame ? value : (Object.fromEntries(kept) as JsonObject);
  };
}
