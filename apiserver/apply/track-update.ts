/** What a create, an update or a patch makes of the ownership: who changes a field owns it. */
import type { JsonObject, JsonValue } from "#lib/json";
import { compare, isSame } from "./compare.ts";
import { countPlaces, sizeOf } from "./count-places.ts";
import { difference, type FieldSet, isEmpty, union } from "./field-set.ts";
import type { MapType } from "./field-type.ts";
import {
  decodeManagedFields,
  encodeManagedFields,
  entryWith,
  isSameManager,
  type ManagedEntry,
  type ManagedFields,
  type Manager,
  setOfEntry,
  sorted,
} from "./managers.ts";
import { fieldsOfNew, NO_FIELDS } from "./new-fields.ts";
import { ownable } from "./unowned.ts";

export interface TrackedWrite {
  readonly type: MapType;
  readonly before: JsonObject;
  readonly after: JsonObject;
  readonly managed: ManagedFields;
  readonly by: Manager;
  /** Now, as a time of the API. */
  readonly time: string;
}

/** The same list, if the write changes no field. */
export function trackUpdate(write: TrackedWrite): ManagedFields {
  const { managed, by, time } = write;
  const comparison = compare(write.type, write.before, write.after);
  if (isSame(comparison)) return managed;
  const changed = ownable(comparison.changed);
  if (managed.length === 0) return isEmpty(changed) ? [] : [entryWith({ ...by, time }, changed)];
  const touched = union(comparison.changed, comparison.removed);
  const isOwn = (entry: ManagedEntry): boolean => isSameManager(entry, by);
  const others = managed.flatMap((entry) => (isOwn(entry) ? [] : without(entry, touched)));
  const own = managed.filter(isOwn).flatMap((entry) => without(entry, comparison.removed));
  if (isEmpty(changed)) return sorted([...others, ...own]);
  return capUpdates(sorted([...others, taking({ ...by, time }, own[0], changed)]));
}

/** The same for a new object that nobody said anything of; `before` is the kind without any field set. */
export function trackCreate(write: Omit<TrackedWrite, "managed">): ManagedFields {
  const { type, before, after, by, time } = write;
  const fields = fieldsOfNew(type, before, after);
  return fields === NO_FIELDS ? [] : [{ ...by, time, fields }];
}

/** What the manager owned and what it changed. Mostly it owned that before, and the text can stay. */
function taking(
  head: Omit<ManagedEntry, "fields">,
  own: ManagedEntry | undefined,
  changed: FieldSet,
): ManagedEntry {
  if (own === undefined) return entryWith(head, changed);
  if (countPlaces(own.fields, changed) === sizeOf(changed)) return { ...head, fields: own.fields };
  return entryWith(head, union(setOfEntry(own), changed));
}

/** The entry without these fields; none when it has no others. */
export function without(entry: ManagedEntry, fields: FieldSet): readonly ManagedEntry[] {
  if (isEmpty(fields) || countPlaces(entry.fields, fields) === 0) return [entry];
  const after = difference(setOfEntry(entry), fields);
  return isEmpty(after) ? [] : [entryWith(entry, after)];
}

/** Kubernetes' bound; each further program that updates an object would make it longer for ever. */
const UPDATE_ENTRIES_MAX = 10;
const ANCIENT = "ancient-changes";

/** Over the bound, the oldest updates of one version become one entry. `managed` is sorted. */
function capUpdates(managed: ManagedFields): ManagedFields {
  const updates = managed.filter(({ operation }) => operation === "Update");
  let excess = updates.length - UPDATE_ENTRIES_MAX;
  if (excess <= 0) return managed;
  const gone = new Set<ManagedEntry>();
  const ancient = new Map<string, ManagedEntry>();
  for (const entry of updates) {
    if (excess <= 0) break;
    const first = ancient.get(entry.apiVersion);
    if (first === undefined) {
      ancient.set(entry.apiVersion, entry);
      continue;
    }
    const { apiVersion, time } = entry;
    const fields = union(setOfEntry(first), setOfEntry(entry));
    const head = { name: ANCIENT, operation: "Update", apiVersion, time } as const;
    ancient.set(apiVersion, entryWith(head, fields));
    gone.add(first).add(entry);
    excess--;
  }
  const merged = [...ancient.values()].filter((entry) => !updates.includes(entry));
  return sorted([...managed.filter((entry) => !gone.has(entry)), ...merged]);
}

/**
 * The list that a write starts from. A client that gives a list of its own replaces the old one by it; a list of one
 * empty entry takes all away, and from then on the object is not tracked, until somebody applies.
 */
export function givenManagedFields(object: JsonObject, current: ManagedFields): ManagedFields {
  const given = (object["metadata"] as JsonObject | undefined)?.["managedFields"];
  if (given === undefined) return current;
  if (isReset(given)) return [];
  const decoded = decodeManagedFields(given);
  if (decoded === undefined || decoded.length === 0) return current;
  return encodeManagedFields(decoded) === encodeManagedFields(current) ? current : decoded;
}

function isReset(given: JsonValue): boolean {
  if (!Array.isArray(given) || given.length !== 1) return false;
  const [only] = given as readonly JsonValue[];
  return typeof only === "object" && only !== null && Object.keys(only).length === 0;
}
