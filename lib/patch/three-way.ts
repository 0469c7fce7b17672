/**
 * What client-side apply sends: the change from what is there to what is wanted, taking away only what an earlier apply
 * had put there. Everything else on the object belongs to others and stays.
 */

import { isDeepStrictEqual } from "node:util";
import type { JsonObject, JsonValue } from "../json.ts";
import { ownField, setOwnField } from "./own-field.ts";
import { mergesLists, type PatchField, type PatchSchema } from "./patch-schema.ts";

export interface ThreeWay {
  /** What was applied last. */
  readonly original: JsonObject;
  /** What is wanted now. */
  readonly modified: JsonObject;
  /** What is there. */
  readonly current: JsonObject;
  readonly schema: PatchSchema | undefined;
}

/** A strategic merge patch; `{}` when there is nothing to do. */
export function threeWayPatch({ current, modified, original, schema }: ThreeWay): JsonObject {
  const patch: Record<string, JsonValue> = {};
  for (const key of Object.keys(original)) {
    if (!Object.hasOwn(modified, key) && Object.hasOwn(current, key)) setOwnField(patch, key, null);
  }
  for (const [key, wanted] of Object.entries(modified)) {
    const before = [ownField(current, key), ownField(original, key)] as const;
    const change = changeOf(wanted, ...before, schema?.field(key));
    if (change === undefined) continue;
    for (const [name, value] of Object.entries(nameChange(key, change)))
      setOwnField(patch, name, value);
  }
  return patch;
}

type Change =
  | {
      readonly kind: "list";
      readonly items: readonly JsonValue[];
      readonly order: readonly JsonValue[];
    }
  | {
      readonly kind: "values";
      readonly add: readonly JsonValue[];
      readonly remove: readonly JsonValue[];
      readonly order: readonly JsonValue[];
    }
  | { readonly kind: "value"; readonly value: JsonValue };

function nameChange(key: string, change: Change): JsonObject {
  switch (change.kind) {
    case "value":
      return { [key]: change.value };
    case "list":
      return { [key]: change.items, [`$setElementOrder/${key}`]: change.order };
    case "values":
      return {
        ...(change.add.length === 0 ? {} : { [key]: change.add }),
        ...(change.remove.length === 0
          ? {}
          : { [`$deleteFromPrimitiveList/${key}`]: change.remove }),
        [`$setElementOrder/${key}`]: change.order,
      };
  }
}

function changeOf(
  wanted: JsonValue,
  current: JsonValue | undefined,
  original: JsonValue | undefined,
  field: PatchField | undefined,
): Change | undefined {
  if (isObject(wanted) && isObject(current)) {
    const inner = threeWayPatch({
      original: isObject(original) ? original : {},
      modified: wanted,
      current,
      schema: field?.schema,
    });
    const retain = retainedKeys(field, wanted, inner);
    return Object.keys(inner).length === 0
      ? undefined
      : { kind: "value", value: { ...retain, ...inner } };
  }
  if (isList(wanted) && isList(current) && mergesLists(field)) {
    const before = isList(original) ? original : [];
    return field?.mergeKey === undefined
      ? valuesChange(wanted, current, before)
      : listChange(wanted, current, before, field, field.mergeKey);
  }
  return isDeepStrictEqual(wanted, current) ? undefined : { kind: "value", value: wanted };
}

/** For unions such as a volume's source or a strategy: fields that are not wanted any more go. */
function retainedKeys(
  field: PatchField | undefined,
  wanted: JsonObject,
  inner: JsonObject,
): JsonObject {
  if (field?.strategies.includes("retainKeys") !== true || Object.keys(inner).length === 0)
    return {};
  return { $retainKeys: Object.keys(wanted).toSorted() };
}

function listChange(
  wanted: readonly JsonValue[],
  current: readonly JsonValue[],
  original: readonly JsonValue[],
  field: PatchField,
  mergeKey: string,
): Change | undefined {
  const idOf = (item: JsonValue): JsonValue => (isObject(item) ? (item[mergeKey] ?? null) : null);
  const find = (list: readonly JsonValue[], id: JsonValue): JsonValue | undefined =>
    list.find((item) => idOf(item) === id);
  const items: JsonValue[] = [];
  for (const item of wanted) {
    const id = idOf(item);
    const there = find(current, id);
    if (there === undefined) {
      items.push(item);
      continue;
    }
    const inner = threeWayPatch({
      original: (find(original, id) ?? {}) as JsonObject,
      modified: item as JsonObject,
      current: there as JsonObject,
      schema: field.schema,
    });
    if (Object.keys(inner).length === 0) continue;
    items.push({ ...retainedKeys(field, item as JsonObject, inner), ...inner, [mergeKey]: id });
  }
  for (const item of original) {
    const id = idOf(item);
    if (find(wanted, id) === undefined && find(current, id) !== undefined)
      items.push({ [mergeKey]: id, $patch: "delete" });
  }
  if (items.length === 0) return undefined;
  return { kind: "list", items, order: wanted.map((item) => ({ [mergeKey]: idOf(item) })) };
}

function valuesChange(
  wanted: readonly JsonValue[],
  current: readonly JsonValue[],
  original: readonly JsonValue[],
): Change | undefined {
  const add = wanted.filter((item) => !current.includes(item));
  const remove = original.filter((item) => !wanted.includes(item) && current.includes(item));
  return add.length + remove.length === 0
    ? undefined
    : { kind: "values", add, remove, order: wanted };
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}
