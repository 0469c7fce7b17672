import type { JsonObject } from "#lib/json";
import { admitDeletion } from "./admit.ts";
import { authorize } from "./authorize.ts";
import { type DeleteOptions, planDeletion } from "./deletion.ts";
import { conflict, MODIFIED, methodNotAllowed } from "./failures.ts";
import { found } from "./get.ts";
import { metaOf } from "./object-meta.ts";
import { Published } from "./published.ts";
import type { Call, Steps } from "./steps.ts";

export interface Deleted {
  /** Is it gone, or does it wait for its finalizers or its grace period? */
  readonly gone: boolean;
  readonly object: Published;
}

const TRIES_MAX = 10;

export async function remove(steps: Steps, call: Call, options: DeleteOptions): Promise<Deleted> {
  if (!call.resource.verbs.includes("delete")) throw methodNotAllowed(call.resource);
  await authorize(steps, call, "delete");
  call.audit?.request({ ...options } as JsonObject);
  const deleted = await removeAfter(steps, call, options, {
    admitted: admittedBy(steps, call, options),
  });
  call.audit?.response(deleted.object);
  return deleted;
}

/** For deletecollection, which has authorized them all: `listed` as it read it, in the hope that it still is so. */
export function removeListed(
  steps: Steps,
  call: Call,
  options: DeleteOptions,
  listed: Published,
): Promise<Deleted> {
  return removeAfter(steps, call, options, { admitted: admittedBy(steps, call, options), listed });
}

/** For the caller whose own route admission has judged: eviction. */
export function removeAdmitted(steps: Steps, call: Call, options: DeleteOptions): Promise<Deleted> {
  return removeAfter(steps, call, options, { admitted: () => undefined });
}

type Admitted = (current: Published) => Promise<void> | undefined;

function admittedBy(steps: Steps, call: Call, options: DeleteOptions): Admitted {
  return (current) => admitDeletion(steps, call, options, current.json);
}

async function removeAfter(
  steps: Steps,
  call: Call,
  options: DeleteOptions,
  { admitted, listed }: { readonly admitted: Admitted; readonly listed?: Published },
): Promise<Deleted> {
  for (let attempt = 1; attempt <= TRIES_MAX; attempt++) {
    const current = (attempt === 1 ? listed : undefined) ?? (await found(steps, call));
    checkPreconditions(call, options, current);
    await admitted(current);
    const deleted = await tryRemove(steps, call, options, current);
    if (deleted !== undefined) return deleted;
  }
  throw conflict(call.resource, call.name ?? "", MODIFIED);
}

async function tryRemove(
  steps: Steps,
  call: Call,
  options: DeleteOptions,
  current: Published,
): Promise<Deleted | undefined> {
  const { resource } = call;
  const plan = planDeletion(resource, current.json, options, steps.clock.nowMs());
  if (plan.kind === "wait") return { gone: false, object: current };
  if (plan.kind === "remove") {
    if (call.dryRun || options.dryRun) return { gone: true, object: current };
    const result = await steps.writer.commit([{ kind: "delete", resource, published: current }]);
    return result.ok ? { gone: true, object: result.published[0] ?? current } : undefined;
  }
  const { object: marked } = plan;
  if (call.dryRun || options.dryRun)
    return { gone: false, object: Published.unsaved(marked, current.managedFields) };
  const result = await steps.writer.commit([
    {
      kind: "put",
      resource,
      object: marked,
      managedFields: current.managedFields,
      ifRevision: current.revision,
    },
  ]);
  return result.ok ? { gone: false, object: result.published[0] ?? current } : undefined;
}

function checkPreconditions(call: Call, options: DeleteOptions, current: Published): void {
  const { uid, resourceVersion } = options.preconditions ?? {};
  const name = call.name ?? "";
  const held = metaOf(current.json).uid ?? "";
  if (uid && uid !== held) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${held}`;
    throw conflict(call.resource, name, why);
  }
  if (resourceVersion && resourceVersion !== String(current.revision)) {
    const why = `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${current.revision}`;
    throw conflict(call.resource, name, why);
  }
}
