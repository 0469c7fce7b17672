import { isDeepStrictEqual } from "node:util";
import { qosClass } from "#lib/api/pod";
import type { JsonObject } from "#lib/json";
import type { Pod } from "#proto/core/v1";
import { type Causes, forbidden } from "../causes.ts";
import { type KindRules, specOf } from "../kind-rules.ts";
import { completePodSpec } from "./pod-defaults.ts";
import { validatePodSpec } from "./pod-spec.ts";

export const podRules: KindRules = {
  nameRule: "subdomain",
  firstStatus: (object) => ({ phase: "Pending", qosClass: qosClass(object as unknown as Pod) }),
  complete: (object) => ({ ...object, spec: completePodSpec(specOf(object)) }),
  validate: (object) => validatePodSpec(specOf(object), "spec"),
  validateUpdate(object, old) {
    const now = changeable(specOf(object));
    const before = changeable(specOf(old));
    if (isDeepStrictEqual(now, before)) return addedTolerations(specOf(object), specOf(old));
    return [
      forbidden(
        "spec",
        "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
      ),
    ];
  },
};

/** The spec without what an update may change. */
function changeable(spec: JsonObject): JsonObject {
  const {
    activeDeadlineSeconds: _a,
    terminationGracePeriodSeconds: _t,
    tolerations: _l,
    schedulingGates: _g,
    nodeName: _n,
    ...rest
  } = spec;
  const withoutImages = (list: unknown): JsonObject[] =>
    ((list ?? []) as readonly JsonObject[]).map(({ image: _, ...container }) => container);
  return {
    ...rest,
    containers: withoutImages(spec["containers"]),
    initContainers: withoutImages(spec["initContainers"]),
  };
}

function addedTolerations(now: JsonObject, before: JsonObject): Causes {
  const list = (spec: JsonObject): readonly JsonObject[] =>
    (spec["tolerations"] ?? []) as readonly JsonObject[];
  const same = (a: JsonObject, b: JsonObject): boolean => {
    const { tolerationSeconds: _a, ...x } = a;
    const { tolerationSeconds: _b, ...y } = b;
    return isDeepStrictEqual(x, y);
  };
  const lost = list(before).filter((each) => !list(now).some((other) => same(each, other)));
  return lost.length === 0
    ? []
    : [
        forbidden(
          "spec.tolerations",
          "existing toleration can not be modified except its tolerationSeconds",
        ),
      ];
}
