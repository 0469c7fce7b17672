/** What operations take in their path and query. */
export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly type: "string" | "integer" | "boolean";
  readonly description: string;
  readonly isRequired: boolean;
}

function query(name: string, type: Parameter["type"], description: string): Parameter {
  return { name, in: "query", type, description, isRequired: false };
}

export const NAME: Parameter = {
  name: "name",
  in: "path",
  type: "string",
  description: "The object's name.",
  isRequired: true,
};
export const NAMESPACE: Parameter = {
  name: "namespace",
  in: "path",
  type: "string",
  description: "The namespace that the object is in.",
  isRequired: true,
};
export const PRETTY = query(
  "pretty",
  "string",
  "Whether the answer is indented for people: true or false.",
);

const DRY_RUN = query(
  "dryRun",
  "string",
  "All: go through every step but the last, and store nothing.",
);
const FIELD_MANAGER = query(
  "fieldManager",
  "string",
  "Who makes the change; at most 128 characters.",
);
const FIELD_VALIDATION = query(
  "fieldValidation",
  "string",
  "What to do about unknown and duplicate fields: Ignore, Warn (the default) or Strict.",
);
const FORCE = query(
  "force",
  "boolean",
  "Take over fields that other managers own; for apply patches.",
);
const RESOURCE_VERSION = query(
  "resourceVersion",
  "string",
  "How old the answer may be; for a watch, where to start.",
);

export const WRITE: readonly Parameter[] = [DRY_RUN, FIELD_MANAGER, FIELD_VALIDATION];
export const PATCH: readonly Parameter[] = [...WRITE, FORCE];
export const DELETE: readonly Parameter[] = [
  DRY_RUN,
  query("gracePeriodSeconds", "integer", "How long the object may take to end; 0 is at once."),
  query("orphanDependents", "boolean", "An old way to say propagationPolicy Orphan."),
  query(
    "propagationPolicy",
    "string",
    "What becomes of dependents: Background, Foreground or Orphan.",
  ),
];
export const LIST: readonly Parameter[] = [
  query("allowWatchBookmarks", "boolean", "Whether a watch may send bookmarks."),
  query("continue", "string", "The token of the answer before, for the next part of a list."),
  query("fieldSelector", "string", "Only objects whose fields have these values."),
  query("labelSelector", "string", "Only objects whose labels fit."),
  query("limit", "integer", "At most so many objects in one answer."),
  RESOURCE_VERSION,
  query("resourceVersionMatch", "string", "How resourceVersion is meant: Exact or NotOlderThan."),
  query("sendInitialEvents", "boolean", "Whether a watch starts with what is there already."),
  query("timeoutSeconds", "integer", "When the server ends the call."),
  query("watch", "boolean", "Send changes as they come instead of a list."),
];
