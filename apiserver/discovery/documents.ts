/** What is served, told in discovery's several forms. Pure: from the table of kinds to documents. */
import type { JsonObject, JsonValue } from "#lib/json";
import type { Resource, Subresource } from "#resources";

type Resources = readonly Resource[];

/** What is served, as discovery tells it. */
export interface Served {
  /** Each group with its versions, the preferred first. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
  readonly resources: Resources;
  /** `GROUP/VERSION` of those whose server does not answer: what is told of them may be old. */
  readonly stale: ReadonlySet<string>;
}

export function aggregated(
  { groups, resources, stale }: Served,
  core: boolean,
  version: "v2" | "v2beta1",
): JsonObject {
  const items = [...groups]
    .filter(([group]) => (group === "") === core)
    .map(([group, versions]) => ({
      metadata: { ...(group === "" ? {} : { name: group }), creationTimestamp: null },
      versions: versions.map((v) => ({
        version: v,
        resources: resourcesOf(resources, group, v).map(aggregatedResource),
        freshness: stale.has(`${group}/${v}`) ? "Stale" : "Current",
      })),
    }));
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items,
  };
}

function aggregatedResource(resource: Resource): JsonValue {
  const { group, version, kind } = resource;
  return {
    resource: resource.plural,
    responseKind: { group, version, kind },
    scope: resource.namespaced ? "Namespaced" : "Cluster",
    singularResource: resource.singular,
    verbs: resource.verbs,
    ...(resource.shortNames.length > 0 ? { shortNames: resource.shortNames } : {}),
    ...(resource.categories.length > 0 ? { categories: resource.categories } : {}),
    ...(resource.subresources.length > 0
      ? {
          subresources: resource.subresources.map((sub) => ({
            subresource: sub.name,
            responseKind: kindOf(resource, sub),
            verbs: sub.verbs,
          })),
        }
      : {}),
  };
}

export function groupList({ groups: all }: Served): JsonObject {
  const items = [...all]
    .filter(([group]) => group !== "")
    .map(([group, versions]) => groupDocument(group, versions));
  return { kind: "APIGroupList", apiVersion: "v1", groups: items };
}

function groupDocument(group: string, served: readonly string[]): JsonObject {
  const versions = served.map((version) => ({
    groupVersion: `${group}/${version}`,
    version,
  }));
  return { name: group, versions, preferredVersion: versions[0] ?? {} };
}

export function groupOnly({ groups }: Served, group: string): JsonObject | undefined {
  const versions = groups.get(group);
  if (group === "" || versions === undefined) return undefined;
  return { kind: "APIGroup", apiVersion: "v1", ...groupDocument(group, versions) };
}

export function coreVersions(): JsonObject {
  return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] };
}

export function resourceList(
  resources: Resources,
  group: string,
  version: string,
): JsonObject | undefined {
  const found = resourcesOf(resources, group, version);
  if (found.length === 0) return undefined;
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: group === "" ? version : `${group}/${version}`,
    resources: found.flatMap((resource) => [
      legacyResource(resource),
      ...resource.subresources.map((sub) => legacySubresource(resource, sub)),
    ]),
  };
}

function legacyResource(resource: Resource): JsonValue {
  return {
    name: resource.plural,
    singularName: resource.singular,
    namespaced: resource.namespaced,
    kind: resource.kind,
    verbs: resource.verbs,
    ...(resource.shortNames.length > 0 ? { shortNames: resource.shortNames } : {}),
    ...(resource.categories.length > 0 ? { categories: resource.categories } : {}),
  };
}

function legacySubresource(resource: Resource, sub: Subresource): JsonValue {
  const { group, version, kind } = kindOf(resource, sub);
  const isForeign = group !== resource.group || version !== resource.version;
  return {
    name: `${resource.plural}/${sub.name}`,
    singularName: "",
    namespaced: resource.namespaced,
    ...(isForeign ? { group, version } : {}),
    kind,
    verbs: sub.verbs,
  };
}

function kindOf(resource: Resource, sub: Subresource) {
  return {
    group: sub.group ?? resource.group,
    version: sub.version ?? resource.version,
    kind: sub.kind ?? resource.kind,
  };
}

function resourcesOf(resources: Resources, group: string, version: string): Resources {
  return resources.filter((r) => r.group === group && r.version === version);
}
