/** Objects on the wire between Naru's programs: who they are, and the bytes that were encoded at commit. */

import type { Resource } from "#resources";
import { apiVersionOf } from "#resources";
import type { Envelope } from "#services/api";
import { metaOf } from "../../chain/object-meta.ts";
import type { Published } from "../../chain/published.ts";

export function envelopeOf(resource: Resource, published: Published): Envelope {
  const placed = published.key === "" ? fromObject(published) : fromKey(resource, published);
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    ...placed,
    json: published.plainBytes,
  };
}

/** The key says it without a look into the object. */
function fromKey(resource: Resource, { key, revision }: Published) {
  const parts = key.split("/");
  return {
    name: parts.at(-1) ?? "",
    namespace: resource.namespaced ? (parts.at(-2) ?? "") : "",
    resourceVersion: String(revision),
  };
}

/** A dry run's outcome, or a Scale, has no key. */
function fromObject(published: Published) {
  const { name = "", namespace = "", resourceVersion = "" } = metaOf(published.json);
  return { name, namespace, resourceVersion };
}
