/**
 * What has to be done to the objects in the store so that the default ones are as they should be. Pure. Who owns an
 * object's spec, the server or its users, is decided as in Kubernetes:
 * https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#maintenance-of-the-mandatory-and-suggested-configuration-objects
 */
import type { JsonObject } from "#lib/json";
import { sameJson } from "#lib/same-json";
import type { ObjectMeta } from "#proto/meta/v1";
import { type DefaultObject, EXEMPT } from "./default-objects.ts";

export const AUTO_UPDATE = "apf.kubernetes.io/autoupdate-spec";

/** A FlowSchema or a PriorityLevelConfiguration. */
export interface Kept {
  readonly metadata: Partial<ObjectMeta>;
  readonly spec: object;
}

export type Mending =
  | { readonly verb: "create" | "update"; readonly object: JsonObject }
  | { readonly verb: "delete"; readonly name: string };

export function planMaintenance(
  defaults: readonly DefaultObject[],
  found: readonly Kept[],
): readonly Mending[] {
  const byName = new Map(found.map((object) => [object.metadata.name ?? "", object]));
  const names = new Set(defaults.map(({ name }) => name));
  return [
    ...defaults.flatMap((wanted) => mend(wanted, byName.get(wanted.name))),
    // An earlier version's, which nobody has made his own.
    ...[...byName].flatMap(([name, object]): readonly Mending[] =>
      names.has(name) || annotationOf(object) !== "true" ? [] : [{ verb: "delete", name }],
    ),
  ];
}

function mend(wanted: DefaultObject, found: Kept | undefined): readonly Mending[] {
  const { isMandatory, name, spec } = wanted;
  if (found === undefined) {
    const metadata = { name, annotations: { [AUTO_UPDATE]: "true" } };
    return [{ verb: "create", object: { metadata, spec } }];
  }
  if (!isMandatory && !isServers(found)) return [];
  const isMarked = !isMandatory || annotationOf(found) === "true";
  const next = withOwnValues(name, spec, found.spec as JsonObject);
  if (isMarked && sameJson(next, found.spec as JsonObject)) return [];
  const annotations = {
    ...found.metadata.annotations,
    ...(isMandatory ? { [AUTO_UPDATE]: "true" } : {}),
  };
  const object = { ...found, metadata: { ...found.metadata, annotations }, spec: next };
  return [{ verb: "update", object: object as unknown as JsonObject }];
}

function isServers(object: Kept): boolean {
  const annotation = annotationOf(object);
  if (annotation === "true" || annotation === "false") return annotation === "true";
  return object.metadata.generation === 1;
}

function annotationOf({ metadata }: Kept): string | undefined {
  return metadata.annotations?.[AUTO_UPDATE];
}

/** What the exempt level's seats are is the administrator's affair. */
function withOwnValues(name: string, spec: JsonObject, found: JsonObject): JsonObject {
  if (name !== EXEMPT || found["exempt"] === undefined) return spec;
  return spec["exempt"] === undefined ? spec : { ...spec, exempt: found["exempt"] };
}
