import { labelSelectorToString } from "#lib/api/selector";
import type { JsonObject } from "#lib/json";
import type { ParamKind, ParamRef } from "#proto/admissionregistration/v1";
import type { Resource } from "#resources";
import type { AdmissionRequest, Reader } from "../../chain/steps.ts";
import type { Binding, Policy } from "./policy.ts";

export interface ParamSource {
  readonly reader: Reader;
  readonly resourceOf: (kind: ParamKind) => Resource | undefined;
}

/** A binding names parameters that cannot be had. */
export class ParamError extends Error {
  override readonly name = "ParamError";
}

/** One of the objects that a policy is evaluated with, each in turn; undefined is the one turn of a policy without any. */
export type Param = JsonObject | undefined;

export async function paramsFor(
  { reader, resourceOf }: ParamSource,
  { paramKind }: Policy,
  { paramRef }: Binding,
  request: AdmissionRequest,
): Promise<readonly Param[]> {
  if (paramKind === undefined || paramRef === undefined) return [undefined];
  const { apiVersion = "", kind = "" } = paramKind;
  const resource = resourceOf(paramKind);
  if (resource === undefined)
    throw new ParamError(`paramKind kind \`${apiVersion}, Kind=${kind}\` not known`);
  const found = await select(reader, paramRef, {
    resource,
    ...placeOf(resource, paramRef, request),
  });
  if (found.length > 0 || paramRef.parameterNotFoundAction === "Allow") return found;
  throw new ParamError("no params found for policy binding with `Deny` parameterNotFoundAction");
}

function placeOf(
  resource: Resource,
  paramRef: ParamRef,
  request: AdmissionRequest,
): { readonly namespace?: string } {
  if (!resource.namespaced) {
    if (!paramRef.namespace) return {};
    throw new ParamError(
      "paramRef.namespace must not be provided for a cluster-scoped `paramKind`",
    );
  }
  const namespace = paramRef.namespace || request.namespace;
  if (namespace !== undefined) return { namespace };
  throw new ParamError(
    "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources",
  );
}

async function select(
  reader: Reader,
  { name, selector }: ParamRef,
  place: { readonly resource: Resource; readonly namespace?: string },
): Promise<readonly JsonObject[]> {
  if (name) {
    const found = await reader.get(place.resource, place.namespace, name);
    return found === undefined ? [] : [found.json];
  }
  const labelSelector = labelSelectorToString(selector ?? {});
  const { items } = await reader.list({
    ...place,
    ...(labelSelector === "" ? {} : { labelSelector }),
  });
  return items.map(({ json }) => json);
}
