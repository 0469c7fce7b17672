/** Where objects live in the store. Versions of one kind share their key. */
import type { Resource } from "#resources";

const ROOT = "/registry/";

/** Ends in a slash, so that no plural is another's prefix. */
export function prefixOf(resource: Resource, namespace?: string): string {
  const { group, plural } = resource.storedAs ?? resource;
  const kind = `${ROOT}${group || "core"}/${plural}/`;
  return resource.namespaced && namespace !== undefined ? `${kind}${namespace}/` : kind;
}

export function keyOf(resource: Resource, namespace: string | undefined, name: string): string {
  return prefixOf(resource, resource.namespaced ? (namespace ?? "") : undefined) + name;
}
