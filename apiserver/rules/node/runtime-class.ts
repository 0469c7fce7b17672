import { labelKeyProblem, labelNameProblem, labelValueProblem } from "#lib/api/names";
import type { RuntimeClass } from "#proto/node/v1";
import { type Causes, invalid } from "../causes.ts";
import { named, nonEmpty } from "../checks.ts";
import { validateResources } from "../core/resources.ts";
import { validateTolerations } from "../core/tolerations.ts";
import type { KindRules } from "../kind-rules.ts";

export const runtimeClassRules: KindRules = {
  nameRule: "subdomain",
  validate(object) {
    const { handler, overhead, scheduling } = object as unknown as RuntimeClass;
    return [
      ...nonEmpty("handler", handler),
      ...named("handler", handler, labelNameProblem),
      ...validateResources({ limits: overhead?.podFixed ?? {} }, "overhead.podFixed"),
      ...selectorCauses("scheduling.nodeSelector", scheduling?.nodeSelector ?? {}),
      ...validateTolerations(scheduling?.tolerations ?? [], "scheduling.tolerations"),
    ];
  },
  validateUpdate(object, old) {
    const { handler } = object as unknown as RuntimeClass;
    if (handler === (old as unknown as RuntimeClass).handler) return [];
    return [invalid("handler", handler, "field is immutable")];
  },
};

function selectorCauses(path: string, selector: Readonly<Record<string, string>>): Causes {
  return Object.entries(selector).flatMap(([key, value]) => [
    ...named(path, key, labelKeyProblem),
    ...named(path, value, labelValueProblem),
  ]);
}
