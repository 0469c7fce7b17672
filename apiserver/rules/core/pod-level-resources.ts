/** What a pod asks for as a whole, to be shared by its containers as they need it: KEP-2837. */
import {
  containerRequests,
  hasPodLevelResources,
  isPodLevelResource,
  type ResourceAmounts,
} from "#lib/api/pod-resources";
import { tryParseQuantity } from "#lib/api/quantity";
import type { JsonObject } from "#lib/json";
import type { Container, Pod } from "#proto/core/v1";
import { type Causes, forbidden, invalid, unsupported } from "../causes.ts";
import { validateResources } from "./resources.ts";

type Texts = Readonly<Record<string, string>>;

const SUPPORTED = ["cpu", "hugepages-", "memory"];

/**
 * A pod that limits itself, and does not say what it needs, needs what its containers ask for, or else the limit. Of
 * hugepages nothing is guessed: what is asked for of them has to be what they are limited to.
 */
export function completePodResources(spec: JsonObject): JsonObject {
  const pod = spec as unknown as Pod["spec"];
  const { limits = {}, requests = {} } = pod.resources ?? {};
  if (Object.keys(limits).length === 0 || !areReadable(pod)) return spec;
  const summed = Object.entries(containerRequests({ spec: pod })).filter(
    ([name]) => isPodLevelResource(name) && !name.startsWith("hugepages-"),
  );
  const needed = Object.fromEntries(summed.map(([name, each]) => [name, String(each)]));
  const resources = { ...pod.resources, requests: { ...limits, ...needed, ...requests } };
  return { ...spec, resources: resources as unknown as JsonObject };
}

/** What is no quantity is refused later, with its path. */
function areReadable({ containers = [], initContainers = [] }: Pod["spec"]): boolean {
  return [...containers, ...initContainers].every((container) =>
    Object.values(container.resources?.requests ?? {}).every(
      (text) => tryParseQuantity(text) !== undefined,
    ),
  );
}

export function validatePodResources(pod: Pod["spec"], path: string): Causes {
  const { resources } = pod;
  if (resources === undefined || !hasPodLevelResources({ spec: pod })) return [];
  const here = `${path}.resources`;
  const { limits = {}, requests = {} } = resources;
  const unknown = (list: Texts, kind: string): Causes =>
    Object.keys(list)
      .filter((name) => !isPodLevelResource(name))
      .map((name) => unsupported(`${here}.${kind}`, name, SUPPORTED));
  const causes = [
    ...(pod.os?.name === "windows" ? [forbidden(here, "may not be set for a windows pod")] : []),
    ...unknown(limits, "limits"),
    ...unknown(requests, "requests"),
    ...validateResources(resources, here),
  ];
  if (causes.length > 0 || !areReadable(pod)) return causes;
  return [
    ...againstSum(requests, containerRequests({ spec: pod }), `${here}.requests`),
    ...eachWithin(pod.initContainers ?? [], limits, `${path}.initContainers`),
    ...eachWithin(pod.containers, limits, `${path}.containers`),
  ];
}

function againstSum(requests: Texts, sums: ResourceAmounts, path: string): Causes {
  return Object.entries(requests).flatMap(([name, text]) => {
    const sum = sums[name];
    const own = tryParseQuantity(text);
    if (sum === undefined || own === undefined || own.compare(sum) >= 0) return [];
    const why = `must be greater than or equal to aggregate container requests of ${sum}`;
    return [invalid(`${path}[${name}]`, text, why)];
  });
}

function eachWithin(containers: readonly Container[], most: Texts, path: string): Causes {
  return containers.flatMap(({ resources }, at) =>
    Object.entries(resources?.limits ?? {}).flatMap(([name, text]) => {
      const bound = tryParseQuantity(most[name] ?? "");
      const limit = tryParseQuantity(text);
      if (bound === undefined || limit === undefined || limit.compare(bound) <= 0) return [];
      const why = `must be less than or equal to pod limits of ${bound}`;
      return [invalid(`${path}[${at}].resources.limits[${name}]`, text, why)];
    }),
  );
}
