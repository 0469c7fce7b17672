/** Containers that are put into a running pod to look into it: they only come, are never changed and never go. */
import { isDeepStrictEqual } from "node:util";
import type { JsonObject } from "#lib/json";
import type { Container, EphemeralContainer, Pod } from "#proto/core/v1";
import { type Causes, forbidden, notFound } from "../causes.ts";
import { specOf } from "../kind-rules.ts";
import { validateContainers } from "./pod-containers.ts";

/** What has no meaning for a container that runs once, beside the others, on what they have reserved. */
const NOT_ALLOWED = [
  "lifecycle",
  "livenessProbe",
  "ports",
  "readinessProbe",
  "resizePolicy",
  "restartPolicy",
  "startupProbe",
] as const;

/** The old pod with the list that was sent. */
export function withEphemeralContainers(object: JsonObject, old: JsonObject): JsonObject {
  const { ephemeralContainers } = specOf(object);
  const { ephemeralContainers: _, ...spec } = specOf(old);
  const list = ephemeralContainers === undefined ? {} : { ephemeralContainers };
  return { ...old, spec: { ...spec, ...list } };
}

export function validateEphemeralContainers(object: JsonObject, old: JsonObject): Causes {
  const spec = specOf(object) as unknown as Pod["spec"];
  const before = (specOf(old)["ephemeralContainers"] ?? []) as unknown as EphemeralContainer[];
  const now = spec.ephemeralContainers ?? [];
  const { containers, initContainers = [], volumes = [] } = spec;
  return [
    ...validateKept(now, before),
    ...validateContainers(now as readonly Container[], {
      path: "spec.ephemeralContainers",
      volumes: new Set(volumes.map(({ name }) => name)),
      earlier: [...initContainers, ...containers],
      isInit: false,
      hostNetwork: spec.hostNetwork === true,
      restartPolicy: spec.restartPolicy,
    }),
    ...now.flatMap((container, at) =>
      validateOne(container, `spec.ephemeralContainers[${at}]`, [...initContainers, ...containers]),
    ),
  ];
}

function validateKept(
  now: readonly EphemeralContainer[],
  before: readonly EphemeralContainer[],
): Causes {
  const path = "spec.ephemeralContainers";
  return before.flatMap((old) => {
    const at = now.findIndex(({ name }) => name === old.name);
    if (at === -1)
      return [forbidden(path, `existing ephemeral containers "${old.name}" may not be removed\n`)];
    if (isDeepStrictEqual(now[at], old)) return [];
    return [forbidden(path, `existing ephemeral containers "${old.name}" may not be changed\n`)];
  });
}

function validateOne(
  container: EphemeralContainer,
  path: string,
  others: readonly Container[],
): Causes {
  const fields = container as unknown as Readonly<Record<string, unknown>>;
  const { limits = {}, requests = {} } = container.resources;
  const hasResources = Object.keys(limits).length + Object.keys(requests).length > 0;
  const target = container.targetContainerName ?? "";
  const isKnown = target === "" || others.some(({ name }) => name === target);
  const why = "cannot be set for an Ephemeral Container";
  return [
    ...NOT_ALLOWED.filter((name) => fields[name] !== undefined).map((name) =>
      forbidden(`${path}.${name}`, why),
    ),
    ...(hasResources ? [forbidden(`${path}.resources`, why)] : []),
    ...(container.volumeMounts ?? []).flatMap(({ subPath, subPathExpr }, at) =>
      subPath || subPathExpr ? [forbidden(`${path}.volumeMounts[${at}].subPath`, why)] : [],
    ),
    ...(isKnown ? [] : [notFound(`${path}.targetContainerName`, target)]),
  ];
}
