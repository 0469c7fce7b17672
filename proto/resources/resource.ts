/** What a row of the table of kinds says. */
import type { ApiObject } from "#proto";

export type Verb =
  | "create"
  | "delete"
  | "deletecollection"
  | "get"
  | "list"
  | "patch"
  | "update"
  | "watch";

/** A part of an object with a route of its own: `pods/log`, `deployments/scale`. */
export interface Subresource {
  readonly name: string;
  /** What it speaks, where that is not the parent's own kind. */
  readonly group?: string;
  readonly version?: string;
  readonly kind?: string;
  readonly verbs: readonly Verb[];
}

/** One plural of one group version. `T` is the kind's JSON shape; it exists only for the compiler. */
export interface Resource<T extends ApiObject = ApiObject> {
  /** "" for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly Verb[];
  readonly subresources: readonly Subresource[];
  /** Where this is one more face of objects that are stored under another row: that row. */
  readonly storedAs?: Resource;
  readonly phantom?: T;
}

/** `v1`, `apps/v1`. */
export function apiVersionOf(resource: Resource): string {
  return resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
}

const ALL_VERBS = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
] as const;
export const GET_WRITE = ["get", "patch", "update"] as const;
export const STATUS: Subresource = { name: "status", verbs: GET_WRITE };
/** Every method of HTTP goes through. */
export const PROXY_VERBS = ["create", "delete", "get", "patch", "update"] as const;
export const SCALE: Subresource = {
  name: "scale",
  group: "autoscaling",
  version: "v1",
  kind: "Scale",
  verbs: GET_WRITE,
};

export type Row = Pick<Resource, "group" | "version" | "kind" | "plural"> &
  Partial<Omit<Resource, "phantom">>;

export function resource<T extends ApiObject>(row: Row): Resource<T> {
  return {
    singular: row.kind.toLowerCase(),
    shortNames: [],
    categories: [],
    namespaced: true,
    verbs: ALL_VERBS,
    subresources: [],
    ...row,
  };
}

/** The same objects in another version of their group. */
export function face<T extends ApiObject>(stored: Resource, version: string): Resource<T> {
  const { phantom: _, ...row } = stored;
  return { ...row, version, storedAs: stored };
}

/** A kind that is asked and answered, and never kept: all one can do with it is to create it. */
export function question<T extends ApiObject>(row: Row): Resource<T> {
  return resource({ namespaced: false, ...row, verbs: ["create"] });
}

export function isQuestion({ kind, verbs }: Resource): boolean {
  return verbs.length === 1 && verbs[0] === "create" && kind !== "Binding";
}
