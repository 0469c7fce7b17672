import type { JsonObject } from "#lib/json";
import type { Pod, Toleration } from "#proto/core/v1";
import { pods } from "#resources";
import { isWriteOf, type Plugin } from "../plugin.ts";

/** Nodes with something rare are tainted with its name; who asks for it may go there. */
export const extendedResourceToleration: Plugin = (request) => {
  const { object } = request;
  if (object === undefined || !isWriteOf(request, pods)) return undefined;
  const { spec } = object as unknown as Pod;
  const own = spec.tolerations ?? [];
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  const names = containers.flatMap(({ resources }) => Object.keys(resources?.requests ?? {}));
  const added = [...new Set(names)]
    .filter(isExtended)
    .toSorted()
    .filter((key) => !own.some((each) => isSame(each, key)))
    .map((key) => ({ key, operator: "Exists" }));
  if (added.length === 0) return undefined;
  return { ...object, spec: { ...spec, tolerations: [...own, ...added] } as unknown as JsonObject };
};

/** Named with a domain that is not Kubernetes' own. */
function isExtended(name: string): boolean {
  const [domain = "", ...rest] = name.split("/");
  return rest.length > 0 && !/(^|\.)kubernetes\.io$/.test(domain) && !name.startsWith("requests.");
}

function isSame({ effect, key, operator }: Toleration, wanted: string): boolean {
  return key === wanted && operator === "Exists" && !effect;
}
