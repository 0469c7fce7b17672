import { isDeepStrictEqual } from "node:util";
import { labelKeyProblem } from "#lib/api/names";
import type { VolumeAttributesClass } from "#proto/storage/v1";
import { forbidden, invalid, required } from "../causes.ts";
import { named, nonEmpty } from "../checks.ts";
import type { KindRules } from "../kind-rules.ts";
import { tooLong } from "./csi.ts";

/** Kubernetes' bounds: how many, and how many bytes in all. */
const PARAMETERS_MAX = 512;
const PARAMETERS_BYTES_MAX = 256 * 1024;
/** Volumes were made with them. */
const FIXED = ["driverName", "parameters"];

export const volumeAttributesClassRules: KindRules = {
  nameRule: "subdomain",
  validate(object) {
    const { driverName, parameters = {} } = object as unknown as VolumeAttributesClass;
    const entries = Object.entries(parameters);
    const bytes = entries.reduce((sum, [key, value]) => sum + key.length + value.length, 0);
    return [
      ...nonEmpty("driverName", driverName),
      ...named("driverName", driverName, (name) => labelKeyProblem(name.toLowerCase())),
      ...(entries.length === 0
        ? [required("parameters", "must contain at least one key/value pair")]
        : []),
      ...(entries.length > PARAMETERS_MAX ? [tooLong("parameters", PARAMETERS_MAX)] : []),
      ...(bytes > PARAMETERS_BYTES_MAX ? [tooLong("parameters", PARAMETERS_BYTES_MAX)] : []),
      ...entries.flatMap(([key]) =>
        key === "" ? [invalid("parameters", key, "field can not be empty.")] : [],
      ),
    ];
  },
  validateUpdate: (object, old) =>
    FIXED.filter((field) => !isDeepStrictEqual(object[field], old[field])).map((field) =>
      forbidden(field, `updates to ${field} are forbidden.`),
    ),
};
