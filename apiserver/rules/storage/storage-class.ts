import { isDeepStrictEqual } from "node:util";
import type { StorageClass } from "#proto/storage/v1";
import { forbidden } from "../causes.ts";
import { nonEmpty, oneOf } from "../checks.ts";
import type { KindRules } from "../kind-rules.ts";

const RECLAIM_POLICIES = ["Delete", "Retain"];
const BINDING_MODES = ["Immediate", "WaitForFirstConsumer"];
/** Volumes were made by them. */
const FIXED = ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"];

export const storageClassRules: KindRules = {
  nameRule: "subdomain",
  validate(object) {
    const { provisioner, reclaimPolicy, volumeBindingMode } = object as unknown as StorageClass;
    return [
      ...nonEmpty("provisioner", provisioner),
      ...oneOf("reclaimPolicy", reclaimPolicy, RECLAIM_POLICIES),
      ...oneOf("volumeBindingMode", volumeBindingMode, BINDING_MODES),
    ];
  },
  validateUpdate: (object, old) =>
    FIXED.filter((field) => !isDeepStrictEqual(object[field], old[field])).map((field) =>
      forbidden(field, `updates to ${field} are forbidden.`),
    ),
};
