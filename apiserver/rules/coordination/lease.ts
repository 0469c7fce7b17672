import type { Lease } from "#proto/coordination/v1";
import { atLeast } from "../checks.ts";
import { type KindRules, specOf } from "../kind-rules.ts";

export const leaseRules: KindRules = {
  nameRule: "subdomain",
  validate(object) {
    const spec = specOf(object) as unknown as NonNullable<Lease["spec"]>;
    return [
      ...atLeast("spec.leaseDurationSeconds", spec.leaseDurationSeconds, 1),
      ...atLeast("spec.leaseTransitions", spec.leaseTransitions, 0),
    ];
  },
};
