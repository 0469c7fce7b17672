/** Where objects live in the store. Versions of one kind share their key. */
import type { Resource } from "#resources";

const ROOT = "/registry/";

/** Ends in a slash, so that no plural is another's prefix. */
export function prefixOf(resource: Resource, namespace?: string): string {
  // Both groups of Event are one kind with two faces.
  const isCore = resource.group === "" || resource.group === "events.k8s.io";
  const group = isCore ? "core" : resource.group;
  const kind = `${ROOT}${group}/${resource.plural}/`;
  return resource.namespaced && namespace !== undefined ? `${kind}${namespace}/` : kind;
}

export function keyOf(resource: Resource, namespace: string | undefined, name: string): string {
  return prefixOf(resource, resource.namespaced ? (namespace ?? "") : undefined) + name;
}
