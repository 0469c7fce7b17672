import type { JsonObject, JsonValue } from "#lib/json";
import type { Resource } from "#resources";
import { type FieldType, fieldType, isKeyed, itemsOf, mapTypeOf } from "../../apply/field-type.ts";
import { merge } from "../../apply/merge.ts";
import { isObject } from "../../chain/object-meta.ts";
import { mergingOf } from "../../chain/ownership.ts";

export interface LaidOver {
  readonly merged: JsonObject;
  /** Paths of what the configuration would replace as a whole, which a policy must not. */
  readonly atomics: readonly string[];
}

/** A configuration laid over an object as server-side apply does it. */
export function layOver(
  resource: Resource,
  object: JsonObject,
  configuration: JsonObject,
): LaidOver {
  const { type } = mergingOf(resource);
  return {
    merged: merge(type, object, configuration) as JsonObject,
    atomics: atomicsIn(type, configuration, ""),
  };
}

function atomicsIn(type: FieldType, value: JsonValue, path: string): readonly string[] {
  if (Array.isArray(value)) {
    if (!isKeyed(type)) return [path];
    return value.flatMap((item, at) => atomicsIn(itemsOf(type), item, `${path}[${at}]`));
  }
  if (!isObject(value)) return [];
  const map = mapTypeOf(type);
  if (map === undefined) return [path];
  return Object.entries(value).flatMap(([name, each]) =>
    atomicsIn(fieldType(map, name), each, `${path}.${name}`),
  );
}
