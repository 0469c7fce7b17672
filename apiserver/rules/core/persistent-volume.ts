import { isDeepStrictEqual } from "node:util";
import type { PersistentVolume, PersistentVolumeSpec } from "#proto/core/v1";
import { type Causes, forbidden, invalid, required } from "../causes.ts";
import { givenOf, nonEmpty, oneOf } from "../checks.ts";
import type { KindRules } from "../kind-rules.ts";
import { validateAccess, validateStorage } from "./claim-spec.ts";
import { validateNodeSelector } from "./pod-scheduling.ts";

const RECLAIM_POLICIES = ["Delete", "Recycle", "Retain"];
/** Of which a volume has exactly one. */
const SOURCES = [
  "awsElasticBlockStore",
  "azureDisk",
  "azureFile",
  "cephfs",
  "cinder",
  "csi",
  "fc",
  "flexVolume",
  "flocker",
  "gcePersistentDisk",
  "glusterfs",
  "hostPath",
  "iscsi",
  "local",
  "nfs",
  "photonPersistentDisk",
  "portworxVolume",
  "quobyte",
  "rbd",
  "scaleIO",
  "storageos",
  "vsphereVolume",
];

export const persistentVolumeRules: KindRules = {
  nameRule: "subdomain",
  firstStatus: () => ({ phase: "Pending" }),
  validate: (object) => validateSpec((object as unknown as PersistentVolume).spec),
  validateUpdate: (object, old) =>
    validateChange(
      (object as unknown as PersistentVolume).spec,
      (old as unknown as PersistentVolume).spec,
    ),
};

/** A volume that is described elsewhere than in a PersistentVolume. */
export function validateVolume(spec: PersistentVolumeSpec, path: string): Causes {
  return validateSpec(spec).map(({ field = "", ...cause }) => ({
    ...cause,
    field: field.replace(/^spec/, path),
  }));
}

function validateSpec(spec: PersistentVolumeSpec): Causes {
  const { accessModes = [], capacity = {}, nodeAffinity, volumeMode } = spec;
  const others = Object.keys(capacity).filter((name) => name !== "storage");
  return [
    ...validateAccess(accessModes, volumeMode, "spec"),
    ...validateStorage(capacity["storage"], "spec.capacity[storage]"),
    ...others.map((name) => invalid("spec.capacity", name, "supports only storage")),
    ...oneOf(
      "spec.persistentVolumeReclaimPolicy",
      spec.persistentVolumeReclaimPolicy,
      RECLAIM_POLICIES,
    ),
    ...validateSource(spec),
    ...(nodeAffinity === undefined
      ? []
      : nodeAffinity.required === undefined
        ? [required("spec.nodeAffinity.required", "must specify required node constraints")]
        : validateNodeSelector(nodeAffinity.required, "spec.nodeAffinity.required")),
  ];
}

function validateSource(spec: PersistentVolumeSpec): Causes {
  const [first, second] = givenOf(spec, SOURCES);
  if (first === undefined) return [required("spec", "must specify a volume type")];
  if (second !== undefined)
    return [forbidden(`spec.${second}`, "may not specify more than 1 volume type")];
  const { csi, hostPath, local } = spec;
  if (hostPath !== undefined) return validatePath("spec.hostPath.path", hostPath.path);
  if (csi !== undefined) {
    return [
      ...nonEmpty("spec.csi.driver", csi.driver),
      ...nonEmpty("spec.csi.volumeHandle", csi.volumeHandle),
    ];
  }
  if (local === undefined) return [];
  return [
    ...validatePath("spec.local.path", local.path),
    ...(spec.nodeAffinity?.required === undefined
      ? [required("spec.nodeAffinity", "Local volume requires node affinity")]
      : []),
  ];
}

function validatePath(field: string, path: string | undefined): Causes {
  const climbs = (path ?? "").split("/").includes("..");
  return [
    ...nonEmpty(field, path),
    ...(climbs ? [invalid(field, path, "must not contain '..'")] : []),
  ];
}

function validateChange(spec: PersistentVolumeSpec, old: PersistentVolumeSpec): Causes {
  const isMoved = SOURCES.some((name) => {
    const source = name as keyof PersistentVolumeSpec;
    return !isDeepStrictEqual(spec[source], old[source]);
  });
  const isElsewhere =
    old.nodeAffinity !== undefined && !isDeepStrictEqual(spec.nodeAffinity, old.nodeAffinity);
  return [
    ...(isMoved
      ? [
          forbidden(
            "spec.persistentvolumesource",
            "spec.persistentvolumesource is immutable after creation",
          ),
        ]
      : []),
    ...(spec.volumeMode === old.volumeMode
      ? []
      : [invalid("spec.volumeMode", spec.volumeMode, "field is immutable")]),
    ...(isElsewhere ? [invalid("spec.nodeAffinity", spec.nodeAffinity, "field is immutable")] : []),
  ];
}
