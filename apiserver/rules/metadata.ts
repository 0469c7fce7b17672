import { labelKeyProblem, labelValueProblem, type NameRule, nameProblem } from "#lib/api/names";
import type { JsonObject } from "#lib/json";
import type { StatusCause } from "#lib/status-error";
import { type Causes, forbidden, invalid, required } from "./causes.ts";

/** Annotations of one object together; Kubernetes' bound. */
const ANNOTATION_BYTES_MAX = 256 * 1024;

interface Metadata {
  readonly name?: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly JsonObject[];
}

/** What holds for the metadata of every kind. */
export function validateMetadata(object: JsonObject, rule: NameRule, namespaced: boolean): Causes {
  const metadata = (object["metadata"] ?? {}) as Metadata;
  const causes: StatusCause[] = [];
  const nameIssue = nameProblem(metadata.name ?? "", rule);
  if (metadata.name === undefined || metadata.name === "")
    causes.push(required("metadata.name", "name or generateName is required"));
  else if (nameIssue !== undefined) causes.push(invalid("metadata.name", metadata.name, nameIssue));
  if (namespaced && (metadata.namespace ?? "") === "") causes.push(required("metadata.namespace"));
  causes.push(...validateLabels(metadata.labels, "metadata.labels"));
  causes.push(...validateAnnotations(metadata.annotations));
  for (const [at, finalizer] of (metadata.finalizers ?? []).entries()) {
    const problem = labelKeyProblem(finalizer);
    if (problem !== undefined)
      causes.push(invalid(`metadata.finalizers[${at}]`, finalizer, problem));
  }
  causes.push(...validateOwners(metadata.ownerReferences ?? []));
  return causes;
}

/** What an update of any kind may not do to the metadata. */
export function validateMetadataUpdate(object: JsonObject, old: JsonObject): Causes {
  const before = (old["metadata"] ?? {}) as Metadata & { readonly deletionTimestamp?: string };
  if (before.deletionTimestamp === undefined) return [];
  const now = (object["metadata"] ?? {}) as Metadata;
  const added = (now.finalizers ?? []).filter((each) => !(before.finalizers ?? []).includes(each));
  if (added.length === 0) return [];
  // Whoever waits for the end would wait for somebody that came after the decision.
  const why = `no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`;
  return [forbidden("metadata.finalizers", why)];
}

export function validateLabels(
  labels: Readonly<Record<string, string>> | undefined,
  path: string,
): Causes {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => {
    const keyIssue = labelKeyProblem(key);
    if (keyIssue !== undefined) return [invalid(path, key, keyIssue)];
    const valueIssue = labelValueProblem(value);
    return valueIssue === undefined ? [] : [invalid(path, value, valueIssue)];
  });
}

function validateAnnotations(annotations: Readonly<Record<string, string>> | undefined): Causes {
  const entries = Object.entries(annotations ?? {});
  const bytes = entries.reduce(
    (sum, [key, value]) => sum + key.length + Buffer.byteLength(value),
    0,
  );
  if (bytes > ANNOTATION_BYTES_MAX) {
    const message = `Too long: may not be more than ${ANNOTATION_BYTES_MAX} bytes`;
    return [{ reason: "FieldValueTooLong", field: "metadata.annotations", message }];
  }
  return entries.flatMap(([key]) => {
    // Annotations' names may have capitals in their prefix, unlike labels'.
    const problem = labelKeyProblem(key.toLowerCase());
    return problem === undefined ? [] : [invalid("metadata.annotations", key, problem)];
  });
}

function validateOwners(owners: readonly JsonObject[]): Causes {
  const causes: StatusCause[] = [];
  for (const [at, owner] of owners.entries()) {
    for (const field of ["apiVersion", "kind", "name", "uid"]) {
      if ((owner[field] ?? "") === "")
        causes.push(required(`metadata.ownerReferences[${at}].${field}`, "must not be empty"));
    }
  }
  const controllers = owners.filter((owner) => owner["controller"] === true);
  if (controllers.length > 1) {
    causes.push(
      invalid(
        "metadata.ownerReferences",
        controllers.length,
        "Only one reference can have Controller set to true",
      ),
    );
  }
  return causes;
}
