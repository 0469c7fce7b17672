import { type LabelMatcher, labelSelectorMatcher } from "#lib/api/selector";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { LabelSelector } from "#proto/meta/v1";
import { namespaces } from "#resources";
import { metaOf } from "../../chain/object-meta.ts";
import type { AdmissionRequest, Reader } from "../../chain/steps.ts";

export interface Selectors {
  /** Undefined selects everything. */
  readonly namespace?: LabelMatcher;
  readonly object?: LabelMatcher;
}

export function selectorsOf(given: {
  readonly namespaceSelector?: LabelSelector;
  readonly objectSelector?: LabelSelector;
}): Selectors {
  const namespace = matcherOf(given.namespaceSelector);
  const object = matcherOf(given.objectSelector);
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(object === undefined ? {} : { object }),
  };
}

function matcherOf(selector: LabelSelector | undefined): LabelMatcher | undefined {
  const { matchExpressions = [], matchLabels = {} } = selector ?? {};
  if (matchExpressions.length === 0 && Object.keys(matchLabels).length === 0) return undefined;
  return labelSelectorMatcher(selector);
}

/** Either the object as it is to be, or as it was. */
export function objectMatches({ object: matches }: Selectors, request: AdmissionRequest): boolean {
  if (matches === undefined) return true;
  const labelled = [request.object, request.oldObject].filter((each) => each !== undefined);
  return labelled.some((each) => matches(metaOf(each).labels));
}

/** Waits only where somebody selects namespaces. */
export function namespaceMatches(
  { namespace: matches }: Selectors,
  request: AdmissionRequest,
  reader: Reader,
): Promise<boolean> | boolean {
  const { namespace, resource } = request;
  if (matches === undefined || (namespace === undefined && resource !== namespaces)) return true;
  return namespaceObject(request, reader).then((object) => matches(metaOf(object ?? {}).labels));
}

/** The namespace that the request is in, or is about, as it is to be. */
export async function namespaceObject(
  request: AdmissionRequest,
  reader: Reader,
): Promise<JsonObject | undefined> {
  const { name, namespace, object, resource, subresource } = request;
  const isOwn = resource === namespaces;
  if (isOwn && object !== undefined && subresource === undefined) return object;
  const wanted = isOwn ? name : namespace;
  if (wanted === undefined) return undefined;
  const found =
    reader.known(namespaces, undefined, wanted) ??
    (await reader.get(namespaces, undefined, wanted));
  if (found !== undefined) return found.json;
  const details = { name: wanted, kind: namespaces.plural };
  throw new StatusError("NotFound", `namespaces "${wanted}" not found`, { details });
}
