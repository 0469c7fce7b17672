/** What kinds there are: those built in are known; custom ones are asked of the server, when a name is none of those. */
import { StatusError } from "#lib/status-error";
import { RESOURCES, type Resource, type Subresource, type Verb } from "#resources";
import type { Connection } from "./connection/connection.ts";

interface DiscoveredResource {
  readonly resource: string;
  readonly responseKind: { readonly kind: string };
  readonly scope: "Cluster" | "Namespaced";
  readonly singularResource: string;
  readonly verbs: readonly Verb[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly subresources?: readonly {
    readonly subresource: string;
    readonly verbs: readonly Verb[];
  }[];
}

interface Discovery {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly versions: readonly {
      readonly version: string;
      readonly resources?: readonly DiscoveredResource[];
    }[];
  }[];
}

const AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/** Everything that the server serves besides what every server does; the preferred version of a group first. */
export async function customKinds(connection: Connection): Promise<readonly Resource[]> {
  try {
    const { items } = await connection.json<Discovery>("/apis", { accept: AGGREGATED });
    return items
      .flatMap(({ metadata: { name: group }, versions }) =>
        versions.flatMap(({ resources = [], version }) =>
          resources.map((each) => resourceOf(group, version, each)),
        ),
      )
      .filter((each) => !RESOURCES.some((known) => isSame(known, each)));
  } catch (error) {
    // Who may not ask what there is has the built-in kinds.
    if (StatusError.is(error, "Forbidden")) return [];
    throw error;
  }
}

function resourceOf(group: string, version: string, found: DiscoveredResource): Resource {
  const { categories = [], resource, scope, shortNames = [], subresources = [], verbs } = found;
  return {
    group,
    version,
    kind: found.responseKind.kind,
    plural: resource,
    singular: found.singularResource,
    shortNames,
    categories,
    namespaced: scope === "Namespaced",
    verbs,
    subresources: subresources.map(
      (each): Subresource => ({
        name: each.subresource,
        verbs: each.verbs,
      }),
    ),
  };
}

function isSame(a: Resource, b: Resource): boolean {
  return a.group === b.group && a.version === b.version && a.plural === b.plural;
}
