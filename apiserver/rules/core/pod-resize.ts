/**
 * `pods/resize`: what a running pod asks for may change, and nothing else.
 * https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/ has the limitations.
 */
import { isDeepStrictEqual } from "node:util";
import { isSidecar } from "#lib/api/pod";
import { qosClass } from "#lib/api/pod-resources";
import type { JsonObject } from "#lib/json";
import type { Container, Pod, ResourceRequirements } from "#proto/core/v1";
import { type Causes, forbidden, invalid } from "../causes.ts";
import { specOf } from "../kind-rules.ts";
import { completeResources } from "./pod-defaults.ts";
import { completePodResources } from "./pod-level-resources.ts";
import { validatePodSpec } from "./pod-spec.ts";

type Texts = Readonly<Record<string, string>>;

const MIRROR = "kubernetes.io/config.mirror";
const RESIZABLE = ["cpu", "memory"];
const ONLY = "only cpu and memory resources are mutable";

/** The old pod with the resources that were sent; everything else of what was sent counts for nothing. */
export function withResize(object: JsonObject, old: JsonObject): JsonObject {
  const [sent, before] = [specOf(object), specOf(old)];
  const lists = (["containers", "initContainers"] as const).flatMap((name) =>
    before[name] === undefined ? [] : [[name, merged(before[name], sent[name])] as const],
  );
  const { resources: _, ...rest } = before;
  const whole = sent["resources"] === undefined ? {} : { resources: sent["resources"] };
  return {
    ...old,
    spec: completePodResources({ ...rest, ...Object.fromEntries(lists), ...whole }),
  };
}

function merged(before: unknown, sent: unknown): readonly JsonObject[] {
  const byName = new Map(
    ((sent ?? []) as readonly JsonObject[]).map((each) => [each["name"], each]),
  );
  return (before as readonly JsonObject[]).map((container) => {
    const given = byName.get(container["name"]);
    if (given === undefined) return container;
    const { resizePolicy: _, ...rest } = container;
    const policy = given["resizePolicy"];
    return {
      ...rest,
      ...(policy === undefined ? {} : { resizePolicy: policy }),
      resources: completeResources((given["resources"] ?? {}) as JsonObject),
    };
  });
}

export function validateResize(object: JsonObject, old: JsonObject): Causes {
  const [pod, before] = [object, old] as unknown as readonly [Pod, Pod];
  if (before.metadata.annotations?.[MIRROR] !== undefined)
    return [forbidden("", "static pods cannot be resized")];
  if (before.spec.os?.name === "windows") return [forbidden("", "windows pods cannot be resized")];
  const { ephemeralContainers: _, ...spec } = specOf(object);
  const causes = validatePodSpec(spec, "spec");
  // What cannot be read cannot be compared either.
  if (causes.length > 0) return causes;
  return [...validateWhole(pod, before), ...validateEach(pod, before)];
}

function validateWhole(pod: Pod, before: Pod): Causes {
  const qos = before.status.qosClass ?? qosClass(before);
  const running = (before.status.containerStatuses ?? []).find(({ state }) => state?.running);
  return [
    ...(qos === qosClass(pod)
      ? []
      : [invalid("spec", qos, "Pod QOS Class may not change as a result of resizing")]),
    // Its node's agent does not say what the container has: it knows nothing of resizing.
    ...(running === undefined || running.resources !== undefined
      ? []
      : [forbidden("spec", "Pod running on node without support for resize")]),
    ...validateKept(pod.spec.resources, before.spec.resources, "spec.resources"),
    ...(isDeepStrictEqual(fixed(pod.spec.resources), fixed(before.spec.resources))
      ? []
      : [forbidden("spec.resources", ONLY)]),
  ];
}

function validateEach(pod: Pod, before: Pod): Causes {
  const { containers, initContainers = [] } = before.spec;
  return [
    ...initContainers.flatMap((old, at) => {
      const now = pod.spec.initContainers?.[at] ?? old;
      const path = `spec.initContainers[${at}].resources`;
      if (isSidecar(old))
        return [
          ...validateKept(now.resources, old.resources, path),
          ...validateFixed(
            now,
            old,
            "only cpu and memory resources for sidecar containers are mutable",
          ),
        ];
      if (isDeepStrictEqual(now, old)) return [];
      return [forbidden("spec", "resources for non-sidecar init containers are immutable")];
    }),
    ...containers.flatMap((old, at) => {
      const now = pod.spec.containers[at] ?? old;
      return [
        ...validateKept(now.resources, old.resources, `spec.containers[${at}].resources`),
        ...validateFixed(now, old, ONLY),
      ];
    }),
  ];
}

/** What was said may be changed, not taken back. */
function validateKept(
  now: ResourceRequirements | undefined,
  before: ResourceRequirements | undefined,
  path: string,
): Causes {
  return (["requests", "limits"] as const).flatMap((kind) => {
    const isRemoved = Object.keys(before?.[kind] ?? {}).some(
      (name) => now?.[kind]?.[name] === undefined,
    );
    return isRemoved ? [forbidden(`${path}.${kind}`, `resource ${kind} cannot be removed`)] : [];
  });
}

function validateFixed(now: Container, before: Container, why: string): Causes {
  const rest = ({ resources, ...others }: Container): object => ({
    ...others,
    resources: fixed(resources),
  });
  return isDeepStrictEqual(rest(now), rest(before)) ? [] : [forbidden("spec", why)];
}

function fixed({ limits, requests, ...rest }: ResourceRequirements = {}): object {
  const others = (list: Texts = {}): Texts =>
    Object.fromEntries(Object.entries(list).filter(([name]) => !RESIZABLE.includes(name)));
  return { ...rest, limits: others(limits), requests: others(requests) };
}
