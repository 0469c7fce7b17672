/** The APIServices that the server keeps for what it serves itself. Pure. */
import { isDeepStrictEqual } from "node:util";
import type { JsonObject } from "#lib/json";
import type { APIService, APIServiceSpec } from "#proto/apiregistration/v1";
import { apiServices, apiVersionOf, type Resource } from "#resources";
import { isCustom } from "../chain/custom-kind.ts";
import { BUILT_IN_PRIORITIES, CUSTOM_PRIORITY } from "./priorities.ts";

/** Whoever takes this label off an APIService keeps it from then on. */
const MANAGED = "kube-aggregator.kubernetes.io/automanaged";
/** Kubernetes' words: of what is built in, and of what definitions bring. */
const BUILT_IN = "onstart";
const CUSTOM = "true";

export interface Registration {
  readonly spec: APIServiceSpec;
  readonly managed: string;
}

export type RegistrationPlan =
  | { readonly action: "none" }
  | { readonly action: "create" | "update"; readonly object: JsonObject }
  | { readonly action: "delete" };

/** By name. The API by which one registers is registered nowhere, as in Kubernetes. */
export function wantedRegistrations(
  resources: readonly Resource[],
): ReadonlyMap<string, Registration> {
  const wanted = new Map<string, Registration>();
  for (const resource of resources) {
    const { group, version } = resource;
    const builtIn = BUILT_IN_PRIORITIES.get(apiVersionOf(resource));
    const priority = builtIn ?? (isCustom(resource) ? CUSTOM_PRIORITY : undefined);
    if (priority === undefined) continue;
    wanted.set(`${version}.${group}`, {
      managed: builtIn === undefined ? CUSTOM : BUILT_IN,
      spec: {
        ...(group === "" ? {} : { group }),
        version,
        groupPriorityMinimum: priority.group,
        versionPriority: priority.version,
      },
    });
  }
  return wanted;
}

/** What has to be done to one of them. Those that others made, or took over, are left alone. */
export function planRegistration(
  name: string,
  wanted: Registration | undefined,
  found: APIService | undefined,
): RegistrationPlan {
  if (found === undefined)
    return wanted === undefined
      ? { action: "none" }
      : { action: "create", object: newRegistration(name, wanted) };
  const managed = found.metadata.labels?.[MANAGED];
  if (managed !== BUILT_IN && managed !== CUSTOM) return { action: "none" };
  if (wanted === undefined) return { action: "delete" };
  if (isDeepStrictEqual(found.spec, wanted.spec)) return { action: "none" };
  return { action: "update", object: { ...found, spec: wanted.spec } as unknown as JsonObject };
}

function newRegistration(name: string, { managed, spec }: Registration): JsonObject {
  return {
    apiVersion: apiVersionOf(apiServices),
    kind: apiServices.kind,
    metadata: { name, labels: { [MANAGED]: managed } },
    spec: spec as unknown as JsonObject,
  };
}
