/** The selectors of a query, as functions on objects. */
import {
  parseFieldSelector,
  parseLabelSelector,
  requirementsMatcher,
  SelectorError,
} from "#lib/api/selector";
import { StatusError } from "#lib/status-error";
import type { ApiObject } from "#proto";
import type { Resource } from "#resources";
import { customKindOf } from "./custom-kind.ts";
import { isObject } from "./object-meta.ts";

export type Predicate = (object: ApiObject) => boolean;

/** Undefined when everything is wanted. */
export function selectionOf(query: {
  readonly resource: Resource;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}): Predicate | undefined {
  const labels = query.labelSelector ? labelPredicate(query.labelSelector) : undefined;
  const fields = query.fieldSelector
    ? fieldPredicate(query.resource, query.fieldSelector)
    : undefined;
  if (labels === undefined || fields === undefined) return labels ?? fields;
  return (object) => labels(object) && fields(object);
}

function labelPredicate(text: string): Predicate {
  const matches = requirementsMatcher(refused(() => parseLabelSelector(text)));
  return (object) => matches(object.metadata.labels);
}

/** A selector that is wrong is the client's fault, not ours. */
function refused<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof SelectorError) throw new StatusError("BadRequest", error.message);
    throw error;
  }
}

/** Fields that a selector may name, beside metadata's; the kinds are those that have them. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  CertificateSigningRequest: ["spec.signerName"],
  ClusterTrustBundle: ["spec.signerName"],
  ResourceSlice: ["spec.driver", "spec.nodeName"],
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
  Job: ["status.successful"],
  Namespace: ["status.phase"],
  Node: ["spec.unschedulable"],
  ReplicaSet: ["status.replicas"],
  ReplicationController: ["status.replicas"],
  Secret: ["type"],
  Service: ["spec.clusterIP", "spec.type"],
};

function fieldPredicate(resource: Resource, text: string): Predicate {
  const known = customKindOf(resource)?.selectableFields ?? FIELDS[resource.kind] ?? [];
  const requirements = refused(() => parseFieldSelector(text)).map(({ field, operator, value }) => {
    checkField(known, field);
    return { path: field.split("."), equal: operator === "=", value };
  });
  return (object) =>
    requirements.every(({ path, equal, value }) => (fieldText(object, path) === value) === equal);
}

function checkField(known: readonly string[], field: string): void {
  if (field === "metadata.name" || field === "metadata.namespace") return;
  if (known.includes(field)) return;
  throw new StatusError("BadRequest", `field label not supported: ${field}`);
}

/** Counts that are left out when they are zero, by the names that selectors know them by. */
const COUNTS: Readonly<Record<string, readonly string[]>> = {
  "status.replicas": ["status", "replicas"],
  "status.successful": ["status", "succeeded"],
};

/** Absent is "", as Kubernetes compares. */
function fieldText(object: ApiObject, path: readonly string[]): string {
  const count = COUNTS[path.join(".")];
  if (count !== undefined) return textAt(object, count) || "0";
  return textAt(object, path);
}

function textAt(object: ApiObject, path: readonly string[]): string {
  let value: unknown = object;
  for (const step of path) value = isObject(value) ? value[step] : undefined;
  if (isObject(value)) return String(value["component"] ?? "");
  return value === undefined || value === null ? "" : String(value);
}
