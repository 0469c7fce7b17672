/** From a path to what it names. */
import { namespaces, type Resource } from "#resources";
import type { ResourceTable } from "../../chain/resource-table.ts";

export interface ResourceRoute {
  readonly resource: Resource;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
  /** What follows a proxy sub-resource. */
  readonly rest?: string;
}

/** Undefined when the path names nothing that is served. `path` has no query; its parts are still percent-encoded. */
export function resourceRoute(resources: ResourceTable, path: string): ResourceRoute | undefined {
  const parts = path.split("/").slice(1);
  const rootLength = parts[0] === "api" ? 2 : parts[0] === "apis" ? 3 : 0;
  if (rootLength === 0 || parts.length <= rootLength) return undefined;
  const [group = "", version = ""] = rootLength === 2 ? ["", parts[1]] : [parts[1], parts[2]];
  const find: Find = (plural) => resources.find(group, version, plural);
  const decoded = decodeAll(parts.slice(rootLength));
  return decoded && (namespacedRoute(find, decoded) ?? clusterRoute(find, decoded));
}

/** The resource of a plural, in the group version that the path starts with. */
type Find = (plural: string) => Resource | undefined;

/** `namespaces/NS/pods/…`; not `namespaces/NS/status`, which is a sub-resource of the namespace. */
function namespacedRoute(find: Find, parts: readonly string[]): ResourceRoute | undefined {
  const [first, namespace, plural, name, subresource, ...rest] = parts;
  if (first !== "namespaces" || !namespace || plural === undefined) return undefined;
  const resource = find(plural);
  if (!resource?.namespaced) return undefined;
  return route({ resource, namespace, name, subresource, rest });
}

function clusterRoute(find: Find, parts: readonly string[]): ResourceRoute | undefined {
  const [plural = "", name, subresource, ...rest] = parts;
  const resource = find(plural);
  // Of a namespaced kind only the collection over all namespaces stands here.
  if (resource === undefined || (resource.namespaced && name)) return undefined;
  const parsed = route({ resource, namespace: undefined, name, subresource, rest });
  // Kubernetes counts a namespace as being in itself, so that its admin may read it.
  if (parsed && resource === namespaces && name) return { ...parsed, namespace: name };
  return parsed;
}

function route(parts: {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  readonly rest: readonly string[];
}): ResourceRoute | undefined {
  const { resource, namespace, name, subresource, rest } = parts;
  if (subresource && !resource.subresources.some((s) => s.name === subresource)) return undefined;
  return {
    resource,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name ? { name } : {}),
    ...(subresource ? { subresource } : {}),
    ...(rest.length > 0 ? { rest: rest.join("/") } : {}),
  };
}

function decodeAll(parts: readonly string[]): readonly string[] | undefined {
  try {
    return parts.map((part) => (part.includes("%") ? decodeURIComponent(part) : part));
  } catch {
    // A malformed escape names nothing.
    return undefined;
  }
}
