/** Who owns an object's fields after a write: the pure rules of `apply/`, for a call. */
import type { JsonObject } from "#lib/json";
import { apiVersionOf, type Resource } from "#resources";
import { type KindType, kindTypeOf } from "../apply/kind-types.ts";
import type { ManagedFields, Manager } from "../apply/managers.ts";
import { writablePart } from "../apply/route-fields.ts";
import { givenManagedFields, trackCreate, trackUpdate } from "../apply/track-update.ts";
import { customKindOf } from "./custom-kind.ts";
import { timestamp } from "./object-meta.ts";
import type { Published } from "./published.ts";
import type { Call, Steps, User } from "./steps.ts";

/** `given` is the object as the client sent it, `object` what becomes of it. */
export function ownedByCreator(
  steps: Pick<Steps, "clock">,
  call: Call,
  { given, object }: { readonly given: JsonObject; readonly object: JsonObject },
): ManagedFields {
  const { type, empty } = mergingOf(call.resource);
  const write = {
    type,
    before: empty,
    after: writablePart(call.resource, undefined, object),
    by: managerOf(call, "Update"),
    time: timestamp(steps.clock.nowMs()),
  };
  const managed = givenManagedFields(given, []);
  return managed.length === 0 ? trackCreate(write) : trackUpdate({ ...write, managed });
}

/** An object whose ownership somebody has taken away is not tracked anew, until somebody applies. */
export function ownedByUpdater(
  steps: Pick<Steps, "clock">,
  call: Call,
  write: {
    readonly given: JsonObject;
    readonly object: JsonObject;
    readonly current: Published;
  },
): ManagedFields {
  const { given, object, current } = write;
  const isMain = call.subresource === undefined;
  const managed = isMain ? givenManagedFields(given, current.managedFields) : current.managedFields;
  if (managed.length === 0) return managed;
  return trackUpdate({
    type: mergingOf(call.resource).type,
    before: current.json,
    after: object,
    managed,
    by: managerOf(call, "Update"),
    time: timestamp(steps.clock.nowMs()),
  });
}

/** How the kind merges, whoever described it. */
export function mergingOf(resource: Resource): KindType {
  const custom = customKindOf(resource);
  if (custom === undefined) return kindTypeOf(resource);
  return {
    type: custom.fields,
    empty: { apiVersion: apiVersionOf(resource), kind: resource.kind },
  };
}

export function managerOf(call: Call, operation: Manager["operation"]): Manager {
  const { resource, subresource, user } = call;
  const name = call.fieldManager || programOf(user);
  return { name, operation, apiVersion: apiVersionOf(resource), subresource };
}

/** Our own programs are known by their certificates, under the names that Kubernetes' have in managed fields. */
function programOf({ name }: User): string {
  return name.startsWith("system:node:") ? "kubelet" : name.replace(/^system:/, "");
}
