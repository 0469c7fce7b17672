/** From messages to what the chain takes. Proto3's empty text is "absent". */
import { StatusError } from "#lib/status-error";
import type {
  ApiPatchRequest,
  DeleteOptions as DeleteMessage,
  ListOptions as ListMessage,
  Target,
  WriteOptions,
} from "#services/api";
import type { DeleteOptions } from "../../chain/deletion.ts";
import type { Selection } from "../../chain/list.ts";
import type { AnyPatch, Patch } from "../../chain/patch.ts";
import { nameOf, type ResourceTable } from "../../chain/resource-table.ts";
import type { Call, FieldValidation, User } from "../../chain/steps.ts";
import { type Listing, selectsOne } from "../../fairness/width.ts";

/** Who asks, and what there is to ask for. */
export interface Caller {
  readonly user: User;
  readonly resources: ResourceTable;
}

export function callOf(
  { resources, user }: Caller,
  target: Target | undefined,
  options?: WriteOptions,
): Call {
  const { group = "", version = "", resource: plural = "" } = target ?? {};
  const resource = resources.find(group, version, plural);
  if (target === undefined || resource === undefined)
    throw new StatusError(
      "NotFound",
      `the server has no resource ${nameOf(group, version, plural)}`,
    );
  const { namespace, name, subresource } = target;
  if (subresource !== "" && !resource.subresources.some((s) => s.name === subresource))
    throw new StatusError("NotFound", `${plural} have no sub-resource ${subresource}`);
  return {
    user,
    resource,
    ...(namespace === "" ? {} : { namespace }),
    ...(name === "" ? {} : { name }),
    ...(subresource === "" ? {} : { subresource }),
    ...(options?.dryRun ? { dryRun: true } : {}),
    ...present("fieldManager", options?.fieldManager ?? ""),
    ...fieldValidation(options),
  };
}

function fieldValidation(options: WriteOptions | undefined): {
  readonly fieldValidation?: FieldValidation;
} {
  const value = options?.fieldValidation ?? "";
  if (value === "") return {};
  if (value === "Strict" || value === "Warn" || value === "Ignore")
    return { fieldValidation: value };
  throw new StatusError("BadRequest", `field_validation "${value}" is not supported`);
}

export function selectionOf(options: ListMessage | undefined): Selection {
  if (options === undefined) return {};
  const { limit, resourceVersionMatch } = options;
  return {
    ...present("labelSelector", options.labelSelector),
    ...present("fieldSelector", options.fieldSelector),
    ...present("continue", options.continue),
    ...present("resourceVersion", options.resourceVersion),
    ...(limit > 0 ? { limit } : {}),
    ...(resourceVersionMatch === "Exact" || resourceVersionMatch === "NotOlderThan"
      ? { resourceVersionMatch }
      : {}),
  };
}

export type Listed = Pick<ListMessage, "fieldSelector"> & Partial<Pick<ListMessage, "limit">>;

/** How much of a collection is read. */
export function listingOf({ resource }: Call, options: Listed | undefined): Listing {
  const { fieldSelector = "", limit = 0 } = options ?? {};
  return { resource, isOfOne: selectsOne(fieldSelector), limit };
}

export function present<Name extends string>(name: Name, value: string) {
  return (value === "" ? {} : { [name]: value }) as { readonly [Key in Name]?: string };
}

export function deleteOptionsOf(options: DeleteMessage | undefined): DeleteOptions {
  if (options === undefined) return {};
  const { gracePeriodSeconds, propagationPolicy } = options;
  return {
    ...(options.dryRun ? { dryRun: true } : {}),
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: Number(gracePeriodSeconds) }),
    ...policyOf(propagationPolicy),
    preconditions: {
      ...present("uid", options.preconditionUid),
      ...present("resourceVersion", options.preconditionResourceVersion),
    },
  };
}

function policyOf(policy: string): Pick<DeleteOptions, "propagationPolicy"> {
  if (policy === "") return {};
  if (policy === "Background" || policy === "Foreground" || policy === "Orphan")
    return { propagationPolicy: policy };
  throw new StatusError("BadRequest", `propagation_policy "${policy}" is not supported`);
}

export function patchOf(request: ApiPatchRequest): AnyPatch {
  const { patch, options } = request;
  if (patch === undefined) throw new StatusError("BadRequest", "the patch is missing");
  if (patch.$case === "applyPatch")
    return { type: "apply", body: patch.value, force: options?.force ?? false };
  const type = {
    jsonPatch: "json",
    mergePatch: "merge",
    strategicMergePatch: "strategic",
  }[patch.$case];
  try {
    return { type, body: JSON.parse(patch.value.toString("utf8")) } as Patch;
  } catch (cause) {
    throw new StatusError("BadRequest", `the patch is not JSON: ${(cause as Error).message}`);
  }
}
