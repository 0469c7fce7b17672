import { isDeepStrictEqual } from "node:util";
import type { JsonObject, JsonValue } from "#lib/json";
import type { PodSpec } from "#proto/core/v1";
import type { RuntimeClass } from "#proto/node/v1";
import { runtimeClasses } from "#resources";
import type { AdmissionRequest, Reader } from "../chain/steps.ts";
import { isCreateOf, type Plugin, type Validator } from "./plugin.ts";
import { refused } from "./refusal.ts";

const OTHER_OVERHEAD = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

/** Gives a pod what its runtime class needs beside the pod's own containers, and keeps it to the nodes that have it. */
export const runtimeClass: Plugin = (request, reader) => {
  const spec = specOf(request);
  if (spec?.runtimeClassName === undefined) return undefined;
  return withClass(request, spec, spec.runtimeClassName, reader);
};

/** Whatever changed the pod after that: its overhead is its class's. */
export const runtimeOverhead: Validator = (request, reader) => {
  const spec = specOf(request);
  if (spec === undefined) return undefined;
  if (spec.runtimeClassName !== undefined)
    return checkOverhead(request, spec, spec.runtimeClassName, reader);
  if (spec.overhead === undefined || Object.keys(spec.overhead).length === 0) return undefined;
  throw refused(
    request,
    "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
  );
};

function specOf(request: AdmissionRequest): PodSpec | undefined {
  if (!isCreateOf(request, "Pod") || request.object === undefined) return undefined;
  return request.object["spec"] as unknown as PodSpec;
}

async function classOf(
  request: AdmissionRequest,
  name: string,
  reader: Reader,
): Promise<RuntimeClass> {
  const found = await reader.get(runtimeClasses, undefined, name);
  if (found !== undefined) return found.object as RuntimeClass;
  throw refused(request, `pod rejected: RuntimeClass "${name}" not found`);
}

async function withClass(
  request: AdmissionRequest,
  spec: PodSpec,
  name: string,
  reader: Reader,
): Promise<JsonObject | undefined> {
  const { overhead, scheduling } = await classOf(request, name, reader);
  if (overhead === undefined && scheduling === undefined) return undefined;
  const podFixed = overhead?.podFixed;
  if (
    podFixed !== undefined &&
    spec.overhead !== undefined &&
    !isDeepStrictEqual({ ...spec.overhead }, { ...podFixed })
  )
    throw refused(request, OTHER_OVERHEAD);
  const tolerations = merged(spec.tolerations ?? [], scheduling?.tolerations ?? []);
  const nodeSelector = selectorOf(request, spec, scheduling?.nodeSelector ?? {});
  const given = {
    ...spec,
    ...(podFixed === undefined ? {} : { overhead: podFixed }),
    ...(Object.keys(nodeSelector).length === 0 ? {} : { nodeSelector }),
    ...(tolerations.length === 0 ? {} : { tolerations }),
  };
  return { ...request.object, spec: given as unknown as JsonValue };
}

function merged<T extends object>(own: readonly T[], more: readonly T[]): readonly T[] {
  const isOwn = (each: T): boolean => own.some((o) => isDeepStrictEqual({ ...o }, { ...each }));
  return [...own, ...more.filter((each) => !isOwn(each))];
}

function selectorOf(
  request: AdmissionRequest,
  { nodeSelector = {} }: PodSpec,
  wanted: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  for (const [key, value] of Object.entries(wanted)) {
    const own = nodeSelector[key];
    if (own === undefined || own === value) continue;
    throw refused(
      request,
      `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`,
    );
  }
  return { ...nodeSelector, ...wanted };
}

async function checkOverhead(
  request: AdmissionRequest,
  { overhead = {} }: PodSpec,
  name: string,
  reader: Reader,
): Promise<void> {
  const podFixed = (await classOf(request, name, reader)).overhead?.podFixed ?? {};
  if (isDeepStrictEqual({ ...overhead }, { ...podFixed })) return;
  throw refused(request, OTHER_OVERHEAD);
}
