import type { JsonObject } from "#lib/json";
import { sameJson } from "#lib/same-json";
import type { Resource } from "#resources";
import { hasSameOwners, type ManagedFields } from "../apply/managers.ts";
import { admissionOf } from "./admit.ts";
import { authorize } from "./authorize.ts";
import { decodeBody } from "./decode-body.ts";
import { conflict, invalid, MODIFIED } from "./failures.ts";
import { withGeneration } from "./generation.ts";
import { found } from "./get.ts";
import { metaOf, withMeta } from "./object-meta.ts";
import { ownedByUpdater } from "./ownership.ts";
import { encodeForStore, Published } from "./published.ts";
import type { Body, Call, Steps } from "./steps.ts";
import { choosingAnew } from "./taken.ts";

/** How often a write that names no revision is tried against what others wrote meanwhile. */
const UNCONDITIONAL_TRIES_MAX = 10;

/** Replaces an object, or with `subresource: "status"` its status. Without a resourceVersion it does so unconditionally. */
export async function update(steps: Steps, call: Call, given: Body): Promise<Published> {
  await authorize(steps, call, "update");
  const object = decodeBody(call, given);
  const unconditional = !metaOf(object).resourceVersion;
  for (let attempt = 1; ; attempt++) {
    const written = await replace(steps, call, {
      object,
      current: await found(steps, call),
    });
    if (written !== undefined) return written;
    if (!unconditional || attempt === UNCONDITIONAL_TRIES_MAX)
      throw conflict(call.resource, call.name ?? "", MODIFIED);
  }
}

export interface Replacement {
  /** Decoded; the caller has authorized. */
  readonly object: JsonObject;
  readonly current: Published;
  /** Who owns what afterwards; without it, as for an update. */
  readonly managedFields?: ManagedFields;
}

/** Undefined when the object changed since `current` was read. */
export function replace(
  steps: Steps,
  call: Call,
  replacement: Replacement,
): Promise<Published | undefined> {
  return choosingAnew(() => replaceOnce(steps, call, replacement));
}

async function replaceOnce(
  steps: Steps,
  call: Call,
  replacement: Replacement,
): Promise<Published | undefined> {
  const { object, current } = replacement;
  const old = current.json;
  const prepared = prepare(steps, call, object, current);
  const managedFields =
    replacement.managedFields ??
    ownedByUpdater(steps, call, { given: object, object: prepared, current });
  const request = { ...admissionOf(call, "UPDATE"), object: prepared, oldObject: old };
  const mutated = await steps.admission.mutate(request);
  const kept = mutated === undefined ? prepared : partOf(steps, call, mutated, old);
  check(steps, call, kept, old);
  await steps.admission.validate({ ...request, object: kept });
  return store(steps, call, { object: kept, current, managedFields });
}

/** What plugins made of it; on the route of a part they change no more than the caller may. */
function partOf(steps: Steps, call: Call, mutated: JsonObject, old: JsonObject): JsonObject {
  const { resource, subresource } = call;
  if (subresource === undefined) return keepIdentity(mutated, old);
  return keepIdentity(steps.rules.prepareForUpdate(resource, mutated, old, subresource), old);
}

/** For the caller whose own route admission has judged: scale. */
export async function replaceAdmitted(
  steps: Steps,
  call: Call,
  { object, current, managedFields }: Required<Replacement>,
): Promise<Published | undefined> {
  const prepared = prepare(steps, call, object, current);
  check(steps, call, prepared, current.json);
  return store(steps, call, { object: prepared, current, managedFields });
}

function prepare(steps: Steps, call: Call, object: JsonObject, current: Published): JsonObject {
  checkPreconditions(call, object, current);
  const old = current.json;
  return keepIdentity(
    steps.rules.prepareForUpdate(call.resource, object, old, call.subresource),
    old,
  );
}

function check(steps: Steps, call: Call, object: JsonObject, old: JsonObject): void {
  const { name = "", resource, subresource } = call;
  const causes = steps.rules.validateUpdate(resource, object, old, subresource);
  if (causes.length > 0) throw invalid(resource, name, causes);
}

async function store(
  steps: Steps,
  call: Call,
  { object, current, managedFields }: Required<Replacement>,
): Promise<Published | undefined> {
  const { resource } = call;
  const counted = withGeneration(resource, object, current.json);
  const next = withMeta(counted, { resourceVersion: metaOf(current.json).resourceVersion });
  // A write that changes nothing makes no revision: watchers need not hear of it.
  const isSame = sameJson(next, current.json);
  const isVain = isSame && hasSameOwners(managedFields, current.managedFields);
  if (isVain && steps.isStale?.(current.key) !== true) return current;
  if (call.dryRun) return Published.unsaved(next, managedFields);
  return commitUpdate(steps, resource, { object: next, current, managedFields });
}

/** Writes the object, or ends it when the update took away what held it; either way answers with it as it is now. */
export async function commitUpdate(
  steps: Pick<Steps, "writer">,
  resource: Resource,
  { object, current, managedFields }: Required<Replacement>,
): Promise<Published | undefined> {
  const { key, revision } = current;
  if (isFinished(object)) {
    const deleted = await steps.writer.commit([{ kind: "delete", resource, published: current }]);
    if (!deleted.ok) return undefined;
    return new Published(key, revision, encodeForStore(object, managedFields), managedFields);
  }
  const put = { kind: "put", resource, object, managedFields, ifRevision: revision } as const;
  const written = await steps.writer.commit([put]);
  return written.ok ? written.published[0] : undefined;
}

/** An object that waits for its end goes with its last finalizer, unless a node still has to end it. */
function isFinished(object: JsonObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = metaOf(object);
  if (deletionTimestamp === undefined || (finalizers?.length ?? 0) > 0) return false;
  if ((deletionGracePeriodSeconds ?? 0) > 0) return false;
  const spec = object["spec"] as { readonly finalizers?: readonly string[] } | undefined;
  const isNamespace = object["kind"] === "Namespace" && object["apiVersion"] === "v1";
  return !isNamespace || (spec?.finalizers?.length ?? 0) === 0;
}

function checkPreconditions(call: Call, object: JsonObject, current: Published): void {
  const { resourceVersion, uid } = metaOf(object);
  const name = call.name ?? "";
  if (uid && uid !== metaOf(current.json).uid) {
    const held = metaOf(current.json).uid ?? "";
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${held}`;
    throw conflict(call.resource, name, why);
  }
  if (resourceVersion && resourceVersion !== String(current.revision))
    throw conflict(call.resource, name, MODIFIED);
}

/** What no update changes, whatever it says. */
function keepIdentity(object: JsonObject, old: JsonObject): JsonObject {
  const before = metaOf(old);
  return withMeta(object, {
    name: before.name,
    namespace: before.namespace,
    uid: before.uid,
    generateName: before.generateName,
    creationTimestamp: before.creationTimestamp,
    deletionTimestamp: before.deletionTimestamp,
    deletionGracePeriodSeconds: before.deletionGracePeriodSeconds,
    selfLink: undefined,
    managedFields: undefined,
  });
}
