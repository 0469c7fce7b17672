/** What admission is told of a call, and both its phases at once for what has no rules between them. */
import type { JsonObject } from "#lib/json";
import type { DeleteOptions } from "./deletion.ts";
import type { AdmissionRequest, Call, Steps } from "./steps.ts";

export function admissionOf(
  call: Call,
  operation: "CREATE" | "UPDATE" | "CONNECT",
): Omit<AdmissionRequest, "object" | "oldObject"> {
  const {
    abandoned,
    audit,
    dryRun = false,
    name,
    namespace,
    resource,
    subresource,
    user,
    warn,
  } = call;
  return {
    user,
    operation,
    resource,
    dryRun,
    options: () => writeOptions(call, operation),
    ...(name === undefined ? {} : { name }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(subresource === undefined ? {} : { subresource }),
    ...(warn === undefined ? {} : { warn }),
    ...(audit === undefined ? {} : { annotate: audit.annotate }),
    ...(abandoned === undefined ? {} : { abandoned }),
  };
}

/** Deletions, connections, bindings and evictions: whoever may change them and whoever may refuse them, in turn. */
export async function admit(steps: Steps, request: AdmissionRequest): Promise<AdmissionRequest> {
  const object = await steps.admission.mutate(request);
  const mutated = object === undefined ? request : { ...request, object };
  await steps.admission.validate(mutated);
  return mutated;
}

export async function admitDeletion(
  steps: Steps,
  call: Call,
  options: DeleteOptions,
  oldObject: JsonObject,
): Promise<void> {
  const { subresource: _, ...request } = admissionOf(call, "CREATE");
  await admit(steps, {
    ...request,
    operation: "DELETE",
    dryRun: (call.dryRun ?? false) || (options.dryRun ?? false),
    options: () => ({ kind: "DeleteOptions", apiVersion: "meta.k8s.io/v1", ...jsonOf(options) }),
    oldObject,
  });
}

function jsonOf({ dryRun, ...options }: DeleteOptions): JsonObject {
  return { ...(options as JsonObject), ...(dryRun ? { dryRun: ["All"] } : {}) };
}

function writeOptions(
  { dryRun, fieldValidation }: Call,
  operation: "CREATE" | "UPDATE" | "CONNECT",
): JsonObject {
  if (operation === "CONNECT") return {};
  return {
    kind: operation === "CREATE" ? "CreateOptions" : "UpdateOptions",
    apiVersion: "meta.k8s.io/v1",
    ...(dryRun ? { dryRun: ["All"] } : {}),
    ...(fieldValidation === undefined ? {} : { fieldValidation }),
  };
}
