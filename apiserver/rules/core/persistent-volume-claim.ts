import { isDeepStrictEqual } from "node:util";
import { tryParseQuantity } from "#lib/api/quantity";
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from "#proto/core/v1";
import { type Causes, forbidden } from "../causes.ts";
import { labelSelector } from "../checks.ts";
import type { KindRules } from "../kind-rules.ts";
import { validateAccess, validateStorage } from "./claim-spec.ts";

const STORAGE = "spec.resources[storage]";
const UNCHANGEABLE =
  "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";

export const persistentVolumeClaimRules: KindRules = {
  nameRule: "subdomain",
  firstStatus: () => ({ phase: "Pending" }),
  validate(object) {
    const { spec } = object as unknown as PersistentVolumeClaim;
    return [
      ...validateAccess(spec.accessModes ?? [], spec.volumeMode, "spec"),
      ...validateStorage(spec.resources.requests?.["storage"], STORAGE),
      ...labelSelector(spec.selector, "spec.selector"),
    ];
  },
  validateUpdate: (object, old) =>
    validateChange(
      object as unknown as PersistentVolumeClaim,
      old as unknown as PersistentVolumeClaim,
    ),
};

function validateChange(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): Causes {
  if (!isDeepStrictEqual(fixedPart(claim.spec, old), fixedPart(old.spec, old)))
    return [forbidden("spec", UNCHANGEABLE)];
  return amountOf(claim.spec) < amountOf(old.spec)
    ? [forbidden("spec.resources.requests.storage", "field can not be less than previous value")]
    : [];
}

/** Without what may change: the volume and the class once, when there was none, and a bound claim's size. */
function fixedPart(spec: PersistentVolumeClaimSpec, old: PersistentVolumeClaim): object {
  const { resources, storageClassName, volumeAttributesClassName: _v, volumeName, ...rest } = spec;
  const { storage: _s, ...otherRequests } = resources.requests ?? {};
  return {
    ...rest,
    resources: { ...resources, requests: otherRequests },
    ...(old.status?.phase === "Bound" ? {} : { size: amountOf(spec) }),
    ...(old.spec.volumeName ? { volumeName } : {}),
    ...(old.spec.storageClassName === undefined ? {} : { storageClassName }),
  };
}

function amountOf({ resources }: PersistentVolumeClaimSpec): bigint {
  return tryParseQuantity(resources.requests?.["storage"] ?? "0")?.nanos ?? 0n;
}
