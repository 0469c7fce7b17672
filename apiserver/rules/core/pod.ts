import { qosClass } from "#lib/api/pod-resources";
import type { JsonObject } from "#lib/json";
import type { Pod } from "#proto/core/v1";
import { type KindRules, specOf } from "../kind-rules.ts";
import { validateEphemeralContainers, withEphemeralContainers } from "./ephemeral-containers.ts";
import { completePodSpec } from "./pod-defaults.ts";
import { validateResize, withResize } from "./pod-resize.ts";
import { validateNoEphemeral, validatePodSpec } from "./pod-spec.ts";
import { validatePodUpdate } from "./pod-update.ts";

/** They have a route of their own, and rules of their own on it. */
function withoutEphemeral({ ephemeralContainers: _, ...spec }: JsonObject): JsonObject {
  return spec;
}

export const podRules: KindRules = {
  nameRule: "subdomain",
  firstStatus: (object) => ({ phase: "Pending", qosClass: qosClass(object as unknown as Pod) }),
  complete: (object) => ({ ...object, spec: completePodSpec(specOf(object)) }),
  validate: (object) => validatePodSpec(withoutEphemeral(specOf(object)), "spec"),
  validateCreate: (object) => validateNoEphemeral(specOf(object), "spec"),
  validateUpdate: (object, old) => validatePodUpdate(specOf(object), specOf(old)),
  parts: {
    ephemeralcontainers: {
      take: withEphemeralContainers,
      validate: validateEphemeralContainers,
    },
    resize: { take: withResize, validate: validateResize },
  },
};
