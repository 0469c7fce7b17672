/** `metadata.managedFields`: who owns which fields. */
import type { JsonValue } from "#lib/json";
import { EMPTY, equal, type FieldSet, union } from "./field-set.ts";
import { decodeFields, encodeFields, fieldsOf } from "./fields-v1.ts";
import { isObject } from "./path.ts";

/** A manager is who writes, and how: the same program that applies and updates is two. */
export interface Manager {
  readonly name: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  /** `status`, `scale`; undefined for the main route. */
  readonly subresource?: string | undefined;
}

export interface ManagedEntry extends Manager {
  /** When its fields last changed by its hand, as `2026-01-31T12:00:00Z`. */
  readonly time: string;
  /** FieldsV1, encoded: most entries are carried along and never looked into. */
  readonly fields: string;
}

export type ManagedFields = readonly ManagedEntry[];

export function setOfEntry(entry: ManagedEntry): FieldSet {
  return decodeFields(entry.fields);
}

export function entryWith(entry: Omit<ManagedEntry, "fields">, set: FieldSet): ManagedEntry {
  return { ...entry, fields: encodeFields(set) };
}

/** Whoever applies with a newer version is still the same; of updates each version is its own. */
export function isSameManager(a: Manager, b: Manager): boolean {
  return (
    a.name === b.name &&
    a.operation === b.operation &&
    a.subresource === b.subresource &&
    (a.operation === "Apply" || a.apiVersion === b.apiVersion)
  );
}

/** Whether the two differ in nothing but their times. */
export function hasSameOwners(a: ManagedFields, b: ManagedFields): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  return a.every((entry) => {
    const other = b.find((each) => isSameManager(each, entry));
    if (other === undefined || other.apiVersion !== entry.apiVersion) return false;
    return other.fields === entry.fields || equal(setOfEntry(other), setOfEntry(entry));
  });
}

/** What anybody owns. */
export function ownedFields(managed: ManagedFields): FieldSet {
  return managed.reduce((all, entry) => union(all, setOfEntry(entry)), EMPTY);
}

/** In Kubernetes' order: appliers first, then by time and name. */
export function sorted(managed: ManagedFields): ManagedFields {
  return managed.toSorted(
    (a, b) =>
      order(a.operation, b.operation) ||
      order(a.time, b.time) ||
      order(a.name, b.name) ||
      order(a.apiVersion, b.apiVersion) ||
      order(a.subresource ?? "", b.subresource ?? ""),
  );
}

export function order(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The JSON of the list, as clients see it. */
export function encodeManagedFields(managed: ManagedFields): string {
  return `[${managed.map(encodeEntry).join(",")}]`;
}

function encodeEntry(entry: ManagedEntry): string {
  const { name, operation, apiVersion, time, fields, subresource } = entry;
  const head = JSON.stringify({
    manager: name,
    operation,
    apiVersion,
    time,
    fieldsType: "FieldsV1",
  });
  const tail = subresource === undefined ? "" : `,"subresource":${JSON.stringify(subresource)}`;
  return `${head.slice(0, -1)},"fieldsV1":${fields}${tail}}`;
}

/** Undefined when it is no list of entries. */
export function decodeManagedFields(json: JsonValue | undefined): ManagedFields | undefined {
  if (!Array.isArray(json)) return undefined;
  const entries = (json as readonly JsonValue[]).map(decodeEntry);
  return entries.includes(undefined) ? undefined : sorted(entries as ManagedFields);
}

function decodeEntry(json: JsonValue): ManagedEntry | undefined {
  if (!isObject(json)) return undefined;
  const { manager, operation, apiVersion, subresource } = json;
  const set = fieldsOf(json["fieldsV1"] ?? {});
  if (json["fieldsType"] !== "FieldsV1" || set === undefined) return undefined;
  if (operation !== "Apply" && operation !== "Update") return undefined;
  return entryWith(
    {
      name: text(manager),
      operation,
      apiVersion: text(apiVersion),
      time: text(json["time"]),
      ...(text(subresource) === "" ? {} : { subresource: text(subresource) }),
    },
    set,
  );
}

function text(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}
