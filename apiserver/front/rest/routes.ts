/** From a path to what it names. */
import { RESOURCES, type Resource } from "#resources";

export interface ResourceRoute {
  readonly resource: Resource;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
  /** What follows a proxy sub-resource. */
  readonly rest?: string;
}

const BY_PATH: ReadonlyMap<string, Resource> = new Map(
  RESOURCES.map((resource) => [
    `${resource.group === "" ? "/api" : `/apis/${resource.group}`}/${resource.version}/${resource.plural}`,
    resource,
  ]),
);

/** Undefined when the path names nothing that is served. `path` has no query; its parts are still percent-encoded. */
export function resourceRoute(path: string): ResourceRoute | undefined {
  const parts = path.split("/").slice(1);
  const rootLength = parts[0] === "api" ? 2 : parts[0] === "apis" ? 3 : 0;
  if (rootLength === 0 || parts.length <= rootLength) return undefined;
  const root = `/${parts.slice(0, rootLength).join("/")}`;
  const decoded = decodeAll(parts.slice(rootLength));
  return decoded && (namespacedRoute(root, decoded) ?? clusterRoute(root, decoded));
}

/** `namespaces/NS/pods/…`; not `namespaces/NS/status`, which is a sub-resource of the namespace. */
function namespacedRoute(root: string, parts: readonly string[]): ResourceRoute | undefined {
  const [first, namespace, plural, name, subresource, ...rest] = parts;
  if (first !== "namespaces" || !namespace || plural === undefined) return undefined;
  const resource = BY_PATH.get(`${root}/${plural}`);
  if (!resource?.namespaced) return undefined;
  return route({ resource, namespace, name, subresource, rest });
}

function clusterRoute(root: string, parts: readonly string[]): ResourceRoute | undefined {
  const [plural = "", name, subresource, ...rest] = parts;
  const resource = BY_PATH.get(`${root}/${plural}`);
  // Of a namespaced kind only the collection over all namespaces stands here.
  if (resource === undefined || (resource.namespaced && name)) return undefined;
  const parsed = route({ resource, namespace: undefined, name, subresource, rest });
  // Kubernetes counts a namespace as being in itself, so that its admin may read it.
  if (parsed && resource.plural === "namespaces" && name) return { ...parsed, namespace: name };
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
    return parts.map(decodeURIComponent);
  } catch {
    // A malformed escape names nothing.
    return undefined;
  }
}
