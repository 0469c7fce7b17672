import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import { conflictError } from "../apply/conflicts.ts";
import { ConfigurationError } from "../apply/fields-of.ts";
import { type ApplyPlan, planApply } from "../apply/plan-apply.ts";
import { writablePart } from "../apply/route-fields.ts";
import { authorize } from "./authorize.ts";
import { createNamed } from "./create.ts";
import { decodeBody } from "./decode-body.ts";
import { decodeConfiguration, notTyped } from "./decode-configuration.ts";
import { conflict, MODIFIED, notFound } from "./failures.ts";
import { metaOf, timestamp } from "./object-meta.ts";
import { managerOf, mergingOf } from "./ownership.ts";
import type { Published } from "./published.ts";
import type { Body, Call, Steps } from "./steps.ts";
import { replace } from "./update.ts";

export interface Configuration {
  readonly body: Body;
  /** Takes over what others own with other values. */
  readonly force: boolean;
}

export interface Applied {
  readonly published: Published;
  /** Was there nothing of this name before? */
  readonly created: boolean;
}

const TRIES_MAX = 5;

/** Server-side apply: makes the object as the configuration says, or fails with a conflict that names each field. */
export async function apply(
  steps: Steps,
  call: Call,
  { body, force }: Configuration,
): Promise<Applied> {
  await authorizeApply(steps, call);
  const configuration = decodeConfiguration(call, body);
  const { resource, namespace, name = "" } = call;
  for (let attempt = 1; attempt <= TRIES_MAX; attempt++) {
    const current = await steps.reader.get(resource, namespace, name);
    const published =
      current === undefined
        ? await createApplied(steps, call, { configuration, force })
        : await applyTo(steps, call, { configuration, force, current });
    if (published !== undefined) return { published, created: current === undefined };
  }
  throw conflict(resource, name, MODIFIED);
}

export async function authorizeApply(steps: Steps, call: Call): Promise<void> {
  await authorize(steps, call, "patch");
  if (call.fieldManager) return;
  throw new StatusError(
    "Invalid",
    'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    { details: { causes: [MANAGER_REQUIRED] } },
  );
}

const MANAGER_REQUIRED = {
  reason: "FieldValueRequired",
  field: "fieldManager",
  message: "Required value: is required for apply patch",
};

interface Given {
  readonly configuration: JsonObject;
  readonly force: boolean;
}

/** Undefined when somebody else made it meanwhile. */
async function createApplied(
  steps: Steps,
  call: Call,
  given: Given,
): Promise<Published | undefined> {
  const { resource, name = "" } = call;
  if (call.subresource !== undefined) throw notFound(resource, name);
  await authorize(steps, call, "create");
  const { uid, resourceVersion } = metaOf(given.configuration);
  // It speaks of an object that there was.
  if (uid || resourceVersion) throw notFound(resource, name);
  const { object, managed } = planned(steps, call, given);
  return createNamed(steps, call, { object, managedFields: managed });
}

async function applyTo(
  steps: Steps,
  call: Call,
  given: Given & { readonly current: Published },
): Promise<Published | undefined> {
  const { object, managed } = planned(steps, call, given);
  return replace(steps, call, { object, current: given.current, managedFields: managed });
}

/** The plan, without `current` of a new object. A subresource that is `call`'s own is who writes. */
export function planned(
  steps: Pick<Steps, "clock">,
  call: Call,
  { configuration, force, current }: Given & { readonly current?: Published },
): Extract<ApplyPlan, { ok: true }> {
  const kind = mergingOf(call.resource);
  const plan = refusing(call, () =>
    planApply({
      kind,
      live: current?.json ?? kind.empty,
      managed: current?.managedFields ?? [],
      configuration,
      writable: (object) => writablePart(call.resource, call.subresource, object),
      decode: (object) => decodeBody(call, object),
      by: managerOf(call, "Apply"),
      force,
      time: timestamp(steps.clock.nowMs()),
    }),
  );
  if (!plan.ok) throw conflictError(plan.conflicts);
  return plan;
}

function refusing<T>(call: Call, plan: () => T): T {
  try {
    return plan();
  } catch (error) {
    if (error instanceof ConfigurationError) throw notTyped(call, error.message);
    throw error;
  }
}
