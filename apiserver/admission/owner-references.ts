import { isDeepStrictEqual } from "node:util";
import type { OwnerReference } from "#proto/meta/v1";
import { apiVersionOf } from "#resources";
import { metaOf } from "../chain/object-meta.ts";
import type { ResourceTable } from "../chain/resource-table.ts";
import type { AccessRequest, AdmissionAccess, AdmissionRequest } from "../chain/steps.ts";
import type { Validator } from "./plugin.ts";
import { refused } from "./refusal.ts";

type Access = Pick<AdmissionAccess, "authorizer" | "resources">;

/** Only who may delete an object says who owns it: the garbage collector deletes what an owner leaves behind. */
export function ownerReferencesPermission(access: Access): Validator {
  return (request) => {
    const { object, oldObject, operation, subresource } = request;
    if (object === undefined || (operation !== "CREATE" && operation !== "UPDATE"))
      return undefined;
    if (subresource !== undefined && subresource !== "finalizers") return undefined;
    const now = metaOf(object).ownerReferences ?? [];
    const before = metaOf(oldObject ?? {}).ownerReferences ?? [];
    if (isDeepStrictEqual([...now], [...before])) return undefined;
    return check(access, request, newlyBlocking(now, before));
  };
}

/** Those that hold up the deletion of their owner, and did not before. */
function newlyBlocking(
  now: readonly OwnerReference[],
  before: readonly OwnerReference[],
): readonly OwnerReference[] {
  const blocked = new Set(
    before.filter(({ blockOwnerDeletion }) => blockOwnerDeletion).map(({ uid }) => uid),
  );
  return now.filter(({ blockOwnerDeletion, uid }) => blockOwnerDeletion && !blocked.has(uid));
}

async function check(
  { authorizer, resources }: Access,
  request: AdmissionRequest,
  blocking: readonly OwnerReference[],
): Promise<void> {
  const { name, namespace, resource, user } = request;
  const where = namespace === undefined ? {} : { namespace };
  const { group, plural, version } = resource;
  const own = { user, verb: "delete", group, version, resource: plural, ...where };
  const verdict = await authorizer.authorize({ ...own, ...(name === undefined ? {} : { name }) });
  if (!verdict.allowed)
    throw refused(
      request,
      `cannot set an ownerRef on a resource you can't delete: ${verdict.reason}`,
    );
  for (const reference of blocking) {
    const asked = finalizersOf(resources, request, reference);
    const held = asked && (await authorizer.authorize(asked));
    if (held?.allowed) continue;
    const why =
      held === undefined ? `no resource is served for kind ${reference.kind}` : held.reason;
    throw refused(
      request,
      `cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: ${why}`,
    );
  }
}

function finalizersOf(
  resources: ResourceTable,
  { namespace, user }: AdmissionRequest,
  { apiVersion, kind, name }: OwnerReference,
): AccessRequest | undefined {
  const owner = resources
    .all()
    .find((each) => each.kind === kind && apiVersionOf(each) === apiVersion);
  if (owner === undefined) return undefined;
  const { group, namespaced, plural, version } = owner;
  return {
    user,
    verb: "update",
    group,
    version,
    resource: plural,
    subresource: "finalizers",
    name,
    ...(namespaced && namespace !== undefined ? { namespace } : {}),
  };
}
