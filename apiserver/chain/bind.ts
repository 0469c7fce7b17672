import type { JsonObject, JsonValue } from "#lib/json";
import type { StatusError } from "#lib/status-error";
import { pods } from "#resources";
import { admissionOf, admit } from "./admit.ts";
import { authorize } from "./authorize.ts";
import { conflict, invalid, MODIFIED } from "./failures.ts";
import { found } from "./get.ts";
import { metaOf, objectAt, timestamp, withMeta } from "./object-meta.ts";
import type { Call, Steps } from "./steps.ts";

const TRIES_MAX = 5;

/** Gives a pod its node, once and for all. `given` is a core/v1 Binding. */
export async function bind(steps: Steps, call: Call, given: JsonObject): Promise<void> {
  await authorize(steps, call, "create");
  await bindAuthorized(steps, call, given);
}

/** The same by `bindings`, where the object says which pod it is about; admission takes it for the pod's sub-resource. */
export async function bindNamed(steps: Steps, call: Call, given: JsonObject): Promise<void> {
  await authorize(steps, call, "create");
  const { name } = metaOf(given);
  if (!name) {
    const cause = {
      reason: "FieldValueRequired",
      field: "metadata.name",
      message: "Required value",
    };
    throw invalid(call.resource, "", [cause]);
  }
  await bindAuthorized(steps, { ...call, resource: pods, name, subresource: "binding" }, given);
}

async function bindAuthorized(steps: Steps, call: Call, given: JsonObject): Promise<void> {
  const { object: binding = given } = await admit(steps, {
    ...admissionOf(call, "CREATE"),
    object: given,
  });
  const node = objectAt(binding, "target")["name"];
  if (typeof node !== "string" || node === "") {
    throw invalid(call.resource, call.name ?? "", [
      { reason: "FieldValueRequired", field: "target.name", message: "Required value" },
    ]);
  }
  for (let attempt = 1; attempt <= TRIES_MAX; attempt++) {
    const current = await found(steps, call);
    checkUid(call, binding, current.json);
    const bound = boundPod(call, current.json, { binding, node, nowMs: steps.clock.nowMs() });
    if (call.dryRun) return;
    const result = await steps.writer.commit([
      {
        kind: "put",
        resource: call.resource,
        object: bound,
        managedFields: current.managedFields,
        ifRevision: current.revision,
      },
    ]);
    if (result.ok) return;
  }
  throw conflict(call.resource, call.name ?? "", MODIFIED);
}

/** The binding may name the pod's uid, against a pod of the same name that came since. */
function checkUid(call: Call, binding: JsonObject, pod: JsonObject): void {
  const { uid } = metaOf(binding);
  const held = metaOf(pod).uid ?? "";
  if (!uid || uid === held) return;
  const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${held}`;
  throw conflict(call.resource, call.name ?? "", why);
}

function boundPod(
  call: Call,
  pod: JsonObject,
  to: { readonly binding: JsonObject; readonly node: string; readonly nowMs: number },
): JsonObject {
  const name = call.name ?? "";
  const spec = objectAt(pod, "spec");
  const meta = metaOf(pod);
  if (meta.deletionTimestamp !== undefined)
    throw refused(call, `pod ${name} is being deleted, cannot be assigned to a host`);
  if (spec["nodeName"])
    throw refused(call, `pod ${name} is already assigned to node "${String(spec["nodeName"])}"`);
  if (Array.isArray(spec["schedulingGates"]) && spec["schedulingGates"].length > 0)
    throw refused(call, `pod ${name} has non-empty .spec.schedulingGates`);
  const placed = { ...pod, spec: { ...spec, nodeName: to.node } };
  const { annotations, labels } = metaOf(to.binding);
  const told = withMeta(placed, {
    ...(annotations ? { annotations: { ...meta.annotations, ...annotations } } : {}),
    ...(labels ? { labels: { ...meta.labels, ...labels } } : {}),
  });
  // No new generation: nobody wants anything else of the pod than before.
  return { ...told, status: scheduled(pod, to.nowMs) };
}

function scheduled(pod: JsonObject, nowMs: number): JsonObject {
  const status = objectAt(pod, "status");
  const conditions = (
    Array.isArray(status["conditions"]) ? status["conditions"] : []
  ) as JsonValue[];
  const others = conditions.filter((c) => (c as JsonObject)["type"] !== "PodScheduled");
  const now = timestamp(nowMs);
  return {
    ...status,
    conditions: [...others, { type: "PodScheduled", status: "True", lastTransitionTime: now }],
  };
}

function refused(call: Call, why: string): StatusError {
  return conflict(call.resource, `${call.namespace ?? ""}/${call.name ?? ""}`, why);
}
