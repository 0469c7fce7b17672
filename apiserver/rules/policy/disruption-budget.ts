import type { PodDisruptionBudget } from "#proto/policy/v1";
import { validateAmount } from "../apps/strategy.ts";
import { invalid } from "../causes.ts";
import { labelSelector, oneOf } from "../checks.ts";
import { type KindRules, specOf } from "../kind-rules.ts";

const EVICTION = ["AlwaysAllow", "IfHealthyBudget"];

export const disruptionBudgetRules: KindRules = {
  nameRule: "subdomain",
  firstStatus: () => ({}),
  validate(object) {
    const spec = specOf(object) as unknown as NonNullable<PodDisruptionBudget["spec"]>;
    const { maxUnavailable, minAvailable, selector, unhealthyPodEvictionPolicy: policy } = spec;
    const hasBoth = maxUnavailable !== undefined && minAvailable !== undefined;
    return [
      ...(hasBoth
        ? [invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set")]
        : []),
      ...validateAmount("spec.minAvailable", minAvailable, 100),
      ...validateAmount("spec.maxUnavailable", maxUnavailable, 100),
      ...labelSelector(selector, "spec.selector"),
      ...oneOf("spec.unhealthyPodEvictionPolicy", policy, EVICTION),
    ];
  },
};
