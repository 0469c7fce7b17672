import { SCALE_DOWN_DEFAULT, SCALE_UP_DEFAULT } from "#lib/api/autoscaling";
import type { JsonObject, JsonValue } from "#lib/json";
import {
  asV2,
  CPU_PERCENT_DEFAULT,
  cpuMetric,
  SPEC_ANNOTATIONS,
  STATUS_ANNOTATIONS,
  withAnnotations,
} from "../../chain/autoscaler-face.ts";
import { objectAt } from "../../chain/object-meta.ts";
import { type KindRules, specOf } from "../kind-rules.ts";
import { validateSpec, validateStatus } from "./validate.ts";

/**
 * Both versions: what has to be true of an autoscaler is said of v2, and defaults are v2's. What v1 has in annotations
 * belongs to its spec or to its status, and is kept and taken as such.
 */
export const horizontalPodAutoscalerRules: KindRules = {
  nameRule: "subdomain",
  firstStatus: (object) =>
    isV1(object)
      ? { currentReplicas: 0, desiredReplicas: 0 }
      : { desiredReplicas: 0, currentMetrics: [] },
  complete: (object) => {
    const metadata = objectAt(object, "metadata");
    if (isV1(object))
      return { ...object, metadata: withAnnotations(metadata, pick(object, SPEC_ANNOTATIONS)) };
    return { ...object, metadata: withAnnotations(metadata, {}), spec: withDefaults(object) };
  },
  keep: (object, old) => (isV1(object) ? mixed(object, object, old) : object),
  validate: (object) => validateSpec(specOf(isV1(object) ? asV2(object) : object)),
  parts: {
    status: {
      take: (object, old) => {
        const status = object["status"] ?? {};
        return isV1(object) ? { ...mixed(old, old, object), status } : { ...old, status };
      },
      validate: (object) => validateStatus(objectAt(object, "status")),
    },
  },
};

function isV1(object: JsonObject): boolean {
  return object["apiVersion"] === "autoscaling/v1";
}

/** The object with the annotations of the spec from one, and those of the status from another. */
function mixed(object: JsonObject, spec: JsonObject, status: JsonObject): JsonObject {
  const own = { ...pick(spec, SPEC_ANNOTATIONS), ...pick(status, STATUS_ANNOTATIONS) };
  return { ...object, metadata: withAnnotations(objectAt(object, "metadata"), own) };
}

function pick(object: JsonObject, keys: readonly string[]): Record<string, string> {
  const annotations = objectAt(objectAt(object, "metadata"), "annotations");
  return Object.fromEntries(
    Object.entries(annotations).filter(([key]) => keys.includes(key)),
  ) as Record<string, string>;
}

function withDefaults(object: JsonObject): JsonObject {
  const spec = specOf(object);
  const { behavior, metrics = [] } = spec;
  const isEmpty = (metrics as readonly JsonValue[]).length === 0;
  return {
    ...spec,
    ...(isEmpty ? { metrics: [cpuMetric(CPU_PERCENT_DEFAULT)] } : {}),
    ...(behavior === undefined ? {} : { behavior: wholeBehavior(behavior as JsonObject) }),
  };
}

function wholeBehavior(behavior: JsonObject): JsonObject {
  return {
    scaleUp: { ...SCALE_UP_DEFAULT, ...objectAt(behavior, "scaleUp") },
    scaleDown: { ...SCALE_DOWN_DEFAULT, ...objectAt(behavior, "scaleDown") },
  } as unknown as JsonObject;
}
