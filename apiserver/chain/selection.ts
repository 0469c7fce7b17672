/** The selectors of a query, as functions on objects. */
import { StatusError } from "#lib/status-error";
import type { ApiObject } from "#proto";
import { isObject } from "./object-meta.ts";

export type Predicate = (object: ApiObject) => boolean;

/** Undefined when everything is wanted. */
export function selectionOf(query: {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}): Predicate | undefined {
  const labels = query.labelSelector ? labelPredicate(query.labelSelector) : undefined;
  const fields = query.fieldSelector ? fieldPredicate(query.fieldSelector) : undefined;
  if (labels === undefined || fields === undefined) return labels ?? fields;
  return (object) => labels(object) && fields(object);
}

type Labels = Readonly<Record<string, string>>;

function labelPredicate(text: string): Predicate {
  const requirements = splitOutsideParentheses(text).map(parseRequirement);
  return (object) => {
    const labels = object.metadata.labels ?? {};
    return requirements.every((holds) => holds(labels));
  };
}

function splitOutsideParentheses(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

const SET = /^([^\s!=,()]+)\s+(in|notin)\s*\(([^()]*)\)$/;
const COMPARE = /^([^\s!=,()]+)\s*(==|=|!=)\s*([^\s!=,()]*)$/;
const EXISTS = /^(!?)\s*([^\s!=,()]+)$/;

function parseRequirement(text: string): (labels: Labels) => boolean {
  const set = SET.exec(text);
  if (set !== null) {
    const [, key = "", operator, list = ""] = set;
    const values = new Set(list.split(",").map((value) => value.trim()));
    if (operator === "in") return (labels) => values.has(labels[key] ?? "") && key in labels;
    return (labels) => !(key in labels) || !values.has(labels[key] ?? "");
  }
  const compare = COMPARE.exec(text);
  if (compare !== null) {
    const [, key = "", operator, value = ""] = compare;
    return operator === "!="
      ? (labels) => labels[key] !== value
      : (labels) => labels[key] === value;
  }
  const exists = EXISTS.exec(text);
  if (exists !== null) {
    const [, not, key = ""] = exists;
    return not === "!" ? (labels) => !(key in labels) : (labels) => key in labels;
  }
  throw new StatusError(
    "BadRequest",
    `unable to parse requirement: "${text}" is not a label selector`,
  );
}

/** Fields that a selector may name, beside metadata's; the kinds are those that have them. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  Pod: [
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
  ],
  Event: [
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "regarding.kind",
    "regarding.namespace",
    "regarding.name",
    "regarding.uid",
    "reason",
    "reportingComponent",
    "source",
    "type",
  ],
  Namespace: ["status.phase"],
  Node: ["spec.unschedulable"],
  ReplicaSet: ["status.replicas"],
  Secret: ["type"],
  Service: ["spec.clusterIP", "spec.type"],
};

function fieldPredicate(text: string): Predicate {
  const requirements = text
    .split(",")
    .filter((part) => part !== "")
    .map((part) => {
      const match = /^([^!=]+?)(==|=|!=)(.*)$/.exec(part);
      if (match === null)
        throw new StatusError("BadRequest", `invalid field selector: "${part}"`);
      const [, field = "", operator, value = ""] = match;
      return { field, path: field.split("."), equal: operator !== "!=", value };
    });
  return (object) =>
    requirements.every(({ field, path, equal, value }) => {
      checkField(object.kind, field);
      return (fieldText(object, path) === value) === equal;
    });
}

/** Fields that no kind offers are refused whatever the collection holds; others when an object of the kind is met. */
function checkField(kind: string, field: string): void {
  if (field === "metadata.name" || field === "metadata.namespace") return;
  if (FIELDS[kind]?.includes(field)) return;
  throw new StatusError("BadRequest", `field label not supported: ${field}`);
}

/** Absent is "", as Kubernetes compares. */
function fieldText(object: ApiObject, path: readonly string[]): string {
  let value: unknown = object;
  for (const step of path) value = isObject(value) ? value[step] : undefined;
  if (isObject(value)) return String(value["component"] ?? "");
  return value === undefined || value === null ? "" : String(value);
}
