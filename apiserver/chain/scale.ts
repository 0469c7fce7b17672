import { labelSelectorToString } from "#lib/api/selector";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { LabelSelector } from "#proto/meta/v1";
import { apiVersionOf, type Resource } from "#resources";
import type { ManagedFields } from "../apply/managers.ts";
import { admissionOf, admit } from "./admit.ts";
import { type Applied, authorizeApply, type Configuration, planned } from "./apply.ts";
import { authorize } from "./authorize.ts";
import { customKindOf, type ScalePaths, valueAt, withValueAt } from "./custom-kind.ts";
import { conflict, invalid, MODIFIED } from "./failures.ts";
import { found } from "./get.ts";
import { jsonOf } from "./json-of.ts";
import { isObject, metaOf, objectAt } from "./object-meta.ts";
import { ownedByUpdater } from "./ownership.ts";
import { applyPatch, type Patch } from "./patch.ts";
import { Published } from "./published.ts";
import type { Call, Steps } from "./steps.ts";
import { replaceAdmitted } from "./update.ts";

const TRIES_MAX = 5;

/** How many replicas are wanted and there, the same for every kind that has them. */
export async function getScale(steps: Steps, call: Call): Promise<Published> {
  await authorize(steps, call, "get");
  return scaleOf(call.resource, await found(steps, call));
}

export async function updateScale(steps: Steps, call: Call, given: JsonObject): Promise<Published> {
  await authorize(steps, call, "update");
  return writeScale(steps, call, () => ({ scale: given }));
}

export async function patchScale(steps: Steps, call: Call, change: Patch): Promise<Published> {
  await authorize(steps, call, "patch");
  return writeScale(steps, call, (scale) => ({ scale: applyPatch(steps, call, change, scale) }));
}

/** The number of replicas is the parent's field, so it is applied to the parent, by the name of this route. */
export async function applyScale(
  steps: Steps,
  call: Call,
  { body, force }: Configuration,
): Promise<Applied> {
  await authorizeApply(steps, call);
  const given = jsonOf(body);
  const { resource } = call;
  const { specReplicas } = pathsOf(resource);
  const configuration = withValueAt(
    {
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      metadata: given["metadata"] ?? {},
    },
    specReplicas,
    wantedReplicas(call, given),
  );
  const published = await writeScale(steps, call, (scale, current) => {
    const { object, managed } = planned(steps, call, { configuration, force, current });
    const replicas = valueAt(object, specReplicas) ?? 0;
    return { scale: { ...scale, spec: { replicas } }, managedFields: managed };
  });
  return { published, created: false };
}

interface ScaleChange {
  readonly scale: JsonObject;
  /** Of the parent; without it, as for an update. */
  readonly managedFields?: ManagedFields;
}

async function writeScale(
  steps: Steps,
  call: Call,
  next: (scale: JsonObject, parent: Published) => ScaleChange,
): Promise<Published> {
  // The parent's own rules decide, as if its spec had been written.
  const { subresource: _, ...parent } = call;
  for (let attempt = 1; attempt <= TRIES_MAX; attempt++) {
    const current = await found(steps, call);
    const oldObject = scaleOf(call.resource, current).json;
    const change = next(oldObject, current);
    const request = { ...admissionOf(call, "UPDATE"), object: change.scale, oldObject };
    const { object: scale = change.scale } = await admit(steps, request);
    const { resourceVersion } = metaOf(scale);
    if (resourceVersion && resourceVersion !== String(current.revision))
      throw conflict(call.resource, call.name ?? "", MODIFIED);
    const replicas = wantedReplicas(call, scale);
    const { specReplicas } = pathsOf(call.resource);
    const object = withValueAt(current.json, specReplicas, replicas);
    const managedFields =
      change.managedFields ?? ownedByUpdater(steps, call, { given: scale, object, current });
    const written = await replaceAdmitted(steps, parent, { object, current, managedFields });
    if (written !== undefined) return scaleOf(call.resource, written);
  }
  throw conflict(call.resource, call.name ?? "", MODIFIED);
}

function wantedReplicas(call: Call, scale: JsonObject): number {
  const replicas = objectAt(scale, "spec")["replicas"] ?? 0;
  if (typeof replicas !== "number" || !Number.isInteger(replicas))
    throw new StatusError("BadRequest", "spec.replicas must be an integer");
  if (replicas < 0) {
    throw invalid(call.resource, call.name ?? "", [
      {
        reason: "FieldValueInvalid",
        field: "spec.replicas",
        message: `Invalid value: ${replicas}: must be greater than or equal to 0`,
      },
    ]);
  }
  return replicas;
}

const BUILT_IN: ScalePaths = {
  specReplicas: ["spec", "replicas"],
  statusReplicas: ["status", "replicas"],
  labelSelector: undefined,
};

function pathsOf(resource: Resource): ScalePaths {
  return customKindOf(resource)?.scale ?? BUILT_IN;
}

function scaleOf(resource: Resource, published: Published): Published {
  const { name, namespace, uid, creationTimestamp, resourceVersion } = metaOf(published.json);
  const paths = pathsOf(resource);
  const selector = selectorOf(paths, published.json);
  return Published.unsaved({
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: {
      name: name ?? "",
      ...(namespace === undefined ? {} : { namespace }),
      uid: uid ?? "",
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      creationTimestamp: creationTimestamp ?? null,
    },
    spec: { replicas: valueAt(published.json, paths.specReplicas) ?? 0 },
    status: {
      replicas: valueAt(published.json, paths.statusReplicas) ?? 0,
      ...(selector === "" ? {} : { selector }),
    },
  });
}

/** As text: custom kinds keep it so, built-in ones keep what it is made of. */
function selectorOf({ labelSelector }: ScalePaths, object: JsonObject): string {
  if (labelSelector !== undefined) {
    const text = valueAt(object, labelSelector);
    return typeof text === "string" ? text : "";
  }
  const { selector } = objectAt(object, "spec");
  if (!isObject(selector)) return "";
  // ReplicationControllers have plain labels where the others have a LabelSelector.
  const given = object["kind"] === "ReplicationController" ? { matchLabels: selector } : selector;
  return labelSelectorToString(given as unknown as LabelSelector);
}
