/**
 * Server-side apply as a plan: live object and configuration in, merged object and new ownership out. The rules are those
 * of https://kubernetes.io/docs/reference/using-api/server-side-apply/.
 */
import type { JsonObject } from "#lib/json";
import { compare, everything } from "./compare.ts";
import type { Conflict } from "./conflicts.ts";
import {
  difference,
  EMPTY,
  equal,
  type FieldSet,
  intersection,
  isEmpty,
  union,
} from "./field-set.ts";
import { fieldsOfConfiguration } from "./fields-of.ts";
import type { KindType } from "./kind-types.ts";
import { appliedByClient, KUBECTL, withLastApplied } from "./last-applied.ts";
import {
  entryWith,
  isSameManager,
  type ManagedFields,
  type Manager,
  ownedFields,
  setOfEntry,
  sorted,
} from "./managers.ts";
import { merge } from "./merge.ts";
import { prune } from "./prune.ts";
import { trackUpdate, without } from "./track-update.ts";
import { ownable } from "./unowned.ts";

export interface Application {
  readonly kind: KindType;
  /** For an object that is yet to be made, `kind.empty`. */
  readonly live: JsonObject;
  readonly managed: ManagedFields;
  readonly configuration: JsonObject;
  /** The part of an object that this route writes. */
  readonly writable: (object: JsonObject) => JsonObject;
  /** The object as it is stored: a quantity of `1000m` is no other than one of `1`, nor is a false one that is left out. */
  readonly decode: (object: JsonObject) => JsonObject;
  readonly by: Manager;
  /** Takes over what others own with other values. */
  readonly force: boolean;
  /** Now, as a time of the API. */
  readonly time: string;
}

export type ApplyPlan =
  | { readonly ok: true; readonly object: JsonObject; readonly managed: ManagedFields }
  | { readonly ok: false; readonly conflicts: readonly Conflict[] };

/** Throws ConfigurationError when the configuration contradicts itself. */
export function planApply(application: Application): ApplyPlan {
  const { kind, live, by, time } = application;
  const configuration = application.writable(application.configuration);
  const fields = fieldsOfConfiguration(kind.type, configuration);
  const managed = trackedBefore(application);
  const own = managed.find((entry) => isSameManager(entry, by));
  const others = managed.filter((entry) => entry !== own);
  const merged = prune(kind.type, merge(kind.type, live, configuration), {
    before: own === undefined ? EMPTY : setOfEntry(own),
    // With the places of empty lists and structs, which own nothing and are still said to be there.
    owned: union(ownedFields(others), everything(kind.type, configuration)),
  }) as JsonObject;
  const object = application.decode(merged);
  const { changed, removed } = compare(kind.type, live, object);
  const conflicts = refusedConflicts(application, conflictsIn(others, changed));
  if (conflicts.length > 0) return { ok: false, conflicts };
  const touched = union(changed, removed);
  const remaining = others.flatMap((entry) => without(entry, touched));
  const owned = ownable(fields);
  const isSame = own !== undefined && isEmpty(touched) && equal(setOfEntry(own), owned);
  const entries = isEmpty(owned) ? [] : [isSame ? own : entryWith({ ...by, time }, owned)];
  return {
    ok: true,
    object: by.name === KUBECTL ? withLastApplied(object, application.configuration) : object,
    managed: sorted([...remaining, ...entries]),
  };
}

/** What is there before anybody applied, and was not tracked, belongs to all that wrote it, under one name. */
function trackedBefore(application: Application): ManagedFields {
  const { kind, live, managed, by, time, writable } = application;
  if (managed.length > 0 || live === kind.empty) return managed;
  const { apiVersion } = by;
  return trackUpdate({
    type: kind.type,
    before: kind.empty,
    after: writable(live),
    managed,
    by: { name: "before-first-apply", operation: "Update", apiVersion },
    time,
  });
}

function conflictsIn(others: ManagedFields, changed: FieldSet): readonly Conflict[] {
  return others.flatMap((entry) => {
    const fields = intersection(setOfEntry(entry), changed);
    return isEmpty(fields) ? [] : [{ with: entry, fields }];
  });
}

function refusedConflicts(
  { kind, live, by, force }: Application,
  conflicts: readonly Conflict[],
): readonly Conflict[] {
  if (force || conflicts.length === 0) return [];
  if (by.name !== KUBECTL) return conflicts;
  const taken = appliedByClient(kind.type, live);
  return conflicts.flatMap((conflict) => {
    const fields = difference(conflict.fields, taken);
    return isEmpty(fields) ? [] : [{ ...conflict, fields }];
  });
}
