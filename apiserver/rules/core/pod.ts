import { qosClass } from "#lib/api/pod";
import type { Pod } from "#proto/core/v1";
import { type KindRules, specOf } from "../kind-rules.ts";
import { completePodSpec } from "./pod-defaults.ts";
import { validatePodSpec } from "./pod-spec.ts";
import { validatePodUpdate } from "./pod-update.ts";

export const podRules: KindRules = {
  nameRule: "subdomain",
  firstStatus: (object) => ({ phase: "Pending", qosClass: qosClass(object as unknown as Pod) }),
  complete: (object) => ({ ...object, spec: completePodSpec(specOf(object)) }),
  validate: (object) => validatePodSpec(specOf(object), "spec"),
  validateUpdate: (object, old) => validatePodUpdate(specOf(object), specOf(old)),
};
