/** What of a pod may change once it is there: nearly nothing, since its containers run already. */
import { isDeepStrictEqual } from "node:util";
import type { JsonObject } from "#lib/json";
import type { Pod } from "#proto/core/v1";
import { type Causes, forbidden, invalid } from "../causes.ts";

type Spec = Pod["spec"];
type Toleration = NonNullable<Spec["tolerations"]>[number];

const UNCHANGEABLE =
  "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

export function validatePodUpdate(now: JsonObject, before: JsonObject): Causes {
  const [spec, old] = [now, before] as unknown as readonly [Spec, Spec];
  for (const list of ["containers", "initContainers"] as const) {
    if ((spec[list] ?? []).length !== (old[list] ?? []).length)
      return [forbidden(`spec.${list}`, "pod updates may not add or remove containers")];
  }
  const isChanged = !isDeepStrictEqual(fixedPart(now), fixedPart(before));
  return [
    ...(isChanged ? [forbidden("spec", UNCHANGEABLE)] : []),
    ...deadline(spec.activeDeadlineSeconds, old.activeDeadlineSeconds),
    ...grace(spec.terminationGracePeriodSeconds, old.terminationGracePeriodSeconds),
    ...tolerations(spec.tolerations ?? [], old.tolerations ?? []),
    ...gates(spec, old),
  ];
}

/** The spec without what an update may change; the rest of the rules look at that. */
function fixedPart(spec: JsonObject): JsonObject {
  const {
    activeDeadlineSeconds: _a,
    containers,
    initContainers,
    schedulingGates: _g,
    terminationGracePeriodSeconds: _t,
    tolerations: _l,
    ...rest
  } = spec;
  const withoutImages = (list: unknown): JsonObject[] =>
    ((list ?? []) as readonly JsonObject[]).map(({ image: _, ...container }) => container);
  return {
    ...rest,
    containers: withoutImages(containers),
    initContainers: withoutImages(initContainers),
  };
}

function deadline(now: number | undefined, before: number | undefined): Causes {
  if (before === undefined || now === before) return [];
  const path = "spec.activeDeadlineSeconds";
  if (now === undefined)
    return [invalid(path, null, "must not update from a positive integer to nil value")];
  return now < before ? [] : [invalid(path, now, "must be less than or equal to previous value")];
}

function grace(now: number | undefined, before: number | undefined): Causes {
  const mayFix = before !== undefined && before < 0 && now === 1;
  return now === before || mayFix ? [] : [forbidden("spec", UNCHANGEABLE)];
}

function tolerations(now: readonly Toleration[], before: readonly Toleration[]): Causes {
  const withoutTime = ({ tolerationSeconds: _, ...rest }: Toleration): object => rest;
  const isKept = (each: Toleration): boolean =>
    now.some((other) => isDeepStrictEqual(withoutTime(each), withoutTime(other)));
  if (before.every(isKept)) return [];
  return [
    forbidden(
      "spec.tolerations",
      "existing toleration can not be modified except its tolerationSeconds",
    ),
  ];
}

/** Gates only open: a pod that may be scheduled may be on its way to a node already. */
function gates(now: Spec, before: Spec): Causes {
  const known = new Set((before.schedulingGates ?? []).map(({ name }) => name));
  return (now.schedulingGates ?? []).flatMap(({ name }, at) =>
    known.has(name)
      ? []
      : [
          forbidden(
            `spec.schedulingGates[${at}].name`,
            `only deletion is allowed, but found new scheduling gate '${name}'`,
          ),
        ],
  );
}
