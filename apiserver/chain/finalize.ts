import type { JsonObject, JsonValue } from "#lib/json";
import { admissionOf, admit } from "./admit.ts";
import { authorize } from "./authorize.ts";
import { conflict, MODIFIED } from "./failures.ts";
import { found } from "./get.ts";
import { identify } from "./identity.ts";
import { metaOf, objectAt } from "./object-meta.ts";
import type { Published } from "./published.ts";
import type { Call, Steps } from "./steps.ts";
import { commitUpdate } from "./update.ts";

const TRIES_MAX = 10;

/** Replaces a namespace's `spec.finalizers`; without any, a namespace that waits for its end goes. */
export async function finalize(steps: Steps, call: Call, given: JsonObject): Promise<Published> {
  await authorize(steps, call, "update");
  const { resource } = call;
  const object = identify(call, given);
  const finalizers = objectAt(object, "spec")["finalizers"] ?? [];
  for (let attempt = 1; attempt <= TRIES_MAX; attempt++) {
    const current = await found(steps, call);
    if (attempt === 1 && isLeaving(current.json, finalizers))
      await steps.elsewhere?.emptyNamespace(call.name ?? "");
    const spec = { ...objectAt(current.json, "spec"), finalizers };
    const wanted = { ...current.json, spec };
    const request = { ...admissionOf(call, "UPDATE"), object: wanted, oldObject: current.json };
    const { object: next = wanted } = await admit(steps, request);
    const { managedFields } = current;
    const written = await commitUpdate(steps, resource, { object: next, current, managedFields });
    if (written !== undefined) return written;
  }
  throw conflict(resource, call.name ?? "", MODIFIED);
}

/** Whoever empties namespaces is done with this one. */
function isLeaving(namespace: JsonObject, finalizers: JsonValue): boolean {
  const isGoing = metaOf(namespace).deletionTimestamp !== undefined;
  return isGoing && !(Array.isArray(finalizers) && finalizers.includes("kubernetes"));
}
