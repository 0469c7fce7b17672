import type { JsonObject } from "#lib/json";
import { nameSuffix, uuid } from "#lib/random";
import { StatusError } from "#lib/status-error";
import type { ManagedFields } from "../apply/managers.ts";
import { admissionOf } from "./admit.ts";
import { authorize } from "./authorize.ts";
import { decodeBody } from "./decode-body.ts";
import { alreadyExists, invalid } from "./failures.ts";
import { hasGeneration } from "./generation.ts";
import { metaOf, timestamp, withMeta } from "./object-meta.ts";
import { ownedByCreator } from "./ownership.ts";
import { Published } from "./published.ts";
import type { Body, Call, Steps } from "./steps.ts";
import { choosingAnew } from "./taken.ts";

/** Two generated names rarely meet; eight times in a row they do not. */
const NAME_TRIES_MAX = 8;
/** Kubernetes cuts the base, so that base and suffix fit in a label. */
const NAME_BASE_LENGTH_MAX = 58;

/** The one way to create an object, for all fronts. */
export async function create(steps: Steps, call: Call, given: Body): Promise<Published> {
  await authorize(steps, call, "create");
  const decoded = decodeBody(call, given);
  for (let attempt = 1; ; attempt++) {
    const named = withName(steps, decoded);
    const published = await createNamed(steps, call, { object: named });
    if (published !== undefined) return published;
    const { name = "", generateName } = metaOf(named);
    const chosen = metaOf(decoded).name;
    if (chosen || !generateName || attempt === NAME_TRIES_MAX)
      throw alreadyExists(call.resource, name);
  }
}

export interface Creation {
  /** Decoded, and with a name; the caller has authorized. */
  readonly object: JsonObject;
  /** Who owns what of it; without it, as for a create. */
  readonly managedFields?: ManagedFields;
}

/** Undefined when the name is taken. */
export function createNamed(
  steps: Steps,
  call: Call,
  creation: Creation,
): Promise<Published | undefined> {
  return choosingAnew(() => createOnce(steps, call, creation));
}

async function createOnce(
  steps: Steps,
  call: Call,
  creation: Creation,
): Promise<Published | undefined> {
  const { resource } = call;
  const { object: given } = creation;
  const name = metaOf(given).name ?? "";
  const identity = newIdentity(steps, call, name);
  const prepared = steps.rules.prepareForCreate(resource, withMeta(given, identity));
  const managedFields =
    creation.managedFields ?? ownedByCreator(steps, call, { given, object: prepared });
  const request = { ...admissionOf(call, "CREATE"), name, object: prepared };
  const mutated = (await steps.admission.mutate(request)) ?? prepared;
  const fresh = withMeta(mutated, identity);
  const causes = steps.rules.validateCreate(resource, fresh);
  if (causes.length > 0) throw invalid(resource, name, causes);
  await steps.admission.validate({ ...request, object: fresh });
  if (call.dryRun) {
    if (await steps.reader.get(resource, call.namespace, name)) return undefined;
    return Published.unsaved(fresh, managedFields);
  }
  const result = await steps.writer.commit([
    {
      kind: "put",
      resource,
      object: fresh,
      managedFields,
      ifRevision: 0,
    },
  ]);
  return result.ok ? result.published[0] : undefined;
}

function withName(steps: Steps, object: JsonObject): JsonObject {
  const { name, generateName } = metaOf(object);
  if (name) return object;
  if (!generateName) {
    throw new StatusError("Invalid", "name or generateName is required", {
      details: {
        causes: [
          {
            reason: "FieldValueRequired",
            field: "metadata.name",
            message: "Required value: name or generateName is required",
          },
        ],
      },
    });
  }
  return withMeta(object, {
    name: generateName.slice(0, NAME_BASE_LENGTH_MAX) + nameSuffix(steps.random),
  });
}

/** What only the server may say about a new object, whatever became of it in admission. */
function newIdentity(steps: Steps, { namespace, resource }: Call, name: string) {
  return {
    name,
    namespace: resource.namespaced ? namespace : undefined,
    uid: uuid(steps.random),
    creationTimestamp: timestamp(steps.clock.nowMs()),
    generation: hasGeneration(resource) ? 1 : undefined,
    resourceVersion: undefined,
    deletionTimestamp: undefined,
    deletionGracePeriodSeconds: undefined,
    selfLink: undefined,
    managedFields: undefined,
  };
}
