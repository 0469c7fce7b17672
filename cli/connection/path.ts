import { apiVersionOf, type Resource } from "#resources";

export interface PathTarget {
  readonly resource: Resource;
  /** Undefined: all namespaces; ignored for kinds that have none. */
  readonly namespace: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

/** The REST path of an object, a collection or a sub-resource. */
export function pathOf({ resource, namespace, name, subresource }: PathTarget): string {
  const root = resource.group === "" ? "/api" : "/apis";
  const scope = resource.namespaced && namespace !== undefined ? ["namespaces", namespace] : [];
  const parts = [...scope, resource.plural, name, subresource].filter((part) => part !== undefined);
  return [root, apiVersionOf(resource), ...parts.map(encodeURIComponent)].join("/");
}
