/**
 * Autoscalers have two faces: what `autoscaling/v1` has no fields for stands there in annotations, with the names that
 * Kubernetes gave them. They are stored as v2.
 */
import { isDeeper, JsonDecoder, messageNamed } from "#codec";
import type { JsonObject, JsonValue } from "#lib/json";
import { inVersion } from "./autoscaler-metrics.ts";
import type { Face } from "./faces.ts";
import { isObject, objectAt } from "./object-meta.ts";

const PREFIX = "autoscaling.alpha.kubernetes.io/";
const METRICS = `${PREFIX}metrics`;
const BEHAVIOR = `${PREFIX}behavior`;
const CURRENT_METRICS = `${PREFIX}current-metrics`;
const CONDITIONS = `${PREFIX}conditions`;
/** Parts of the spec, and of the status, that the old face has in annotations. */
export const SPEC_ANNOTATIONS: readonly string[] = [METRICS, BEHAVIOR];
export const STATUS_ANNOTATIONS: readonly string[] = [CURRENT_METRICS, CONDITIONS];

export const CPU_PERCENT_DEFAULT = 80;

export const autoscalerFace: Face = { show: asV1, store: asV2 };

export function asV1(stored: JsonObject): JsonObject {
  const { behavior, metrics = [], ...spec } = objectAt(stored, "spec");
  const { conditions = [], currentMetrics = [], ...status } = objectAt(stored, "status");
  const all = metrics as readonly JsonObject[];
  const cpu = all.find((each) => isCpu(each) && targetPercent(each) !== undefined);
  const percent = cpu && targetPercent(cpu);
  const others = all.filter((each) => each !== cpu).map((each) => inVersion(each, "specToV1"));
  const current = currentMetrics as readonly JsonObject[];
  const used = current.map(cpuPercent).find((percent) => percent !== undefined);
  const annotations = {
    ...annotation(METRICS, others),
    ...(behavior === undefined ? {} : { [BEHAVIOR]: JSON.stringify(renamed(behavior, capital)) }),
    ...annotation(
      CURRENT_METRICS,
      current.map((each) => inVersion(each, "statusToV1")),
    ),
    ...annotation(CONDITIONS, conditions as readonly JsonObject[]),
  };
  return {
    ...stored,
    metadata: withAnnotations(objectAt(stored, "metadata"), annotations),
    spec: {
      ...spec,
      ...(percent === undefined ? {} : { targetCPUUtilizationPercentage: percent }),
    },
    status: { ...status, ...(used === undefined ? {} : { currentCPUUtilizationPercentage: used }) },
  };
}

export function asV2(shown: JsonObject): JsonObject {
  const metadata = objectAt(shown, "metadata");
  const { targetCPUUtilizationPercentage: percent, ...spec } = objectAt(shown, "spec");
  const { currentCPUUtilizationPercentage: used, ...status } = objectAt(shown, "status");
  const annotations = objectAt(metadata, "annotations");
  const others = listIn(annotations, METRICS, "autoscaling.v1.MetricSpec");
  const metrics = [
    ...others.map((each) => inVersion(each, "specToV2")),
    ...(percent === undefined ? [] : [cpuMetric(percent)]),
  ];
  const known = listIn(annotations, CURRENT_METRICS, "autoscaling.v1.MetricStatus");
  const current = known.map((each) => inVersion(each, "statusToV2"));
  const conditions = listIn(
    annotations,
    CONDITIONS,
    "autoscaling.v1.HorizontalPodAutoscalerCondition",
  );
  return {
    ...shown,
    metadata: withAnnotations(metadata, {}),
    spec: {
      ...spec,
      metrics: metrics.length === 0 ? [cpuMetric(CPU_PERCENT_DEFAULT)] : metrics,
      ...behaviorIn(annotations),
    },
    status: {
      ...status,
      currentMetrics: current.length === 0 && used !== undefined ? [cpuStatus(used)] : current,
      ...(conditions.length === 0 ? {} : { conditions }),
    },
  };
}

export function cpuMetric(averageUtilization: JsonValue): JsonObject {
  const target = { type: "Utilization", averageUtilization };
  return { type: "Resource", resource: { name: "cpu", target } };
}

/** Without the annotations that only the old face has, and then with these. */
export function withAnnotations(
  metadata: JsonObject,
  own: Readonly<Record<string, string>>,
): JsonObject {
  const { annotations: before, ...rest } = metadata;
  const theirs = Object.entries((before ?? {}) as JsonObject).filter(
    ([key]) => !SPEC_ANNOTATIONS.includes(key) && !STATUS_ANNOTATIONS.includes(key),
  );
  const annotations = { ...Object.fromEntries(theirs), ...own };
  return Object.keys(annotations).length === 0 ? rest : { ...rest, annotations };
}

function cpuStatus(averageUtilization: JsonValue): JsonObject {
  return { type: "Resource", resource: { name: "cpu", current: { averageUtilization } } };
}

function isCpu(metric: JsonObject): boolean {
  return metric["type"] === "Resource" && objectAt(metric, "resource")["name"] === "cpu";
}

function targetPercent(metric: JsonObject): JsonValue | undefined {
  return objectAt(objectAt(metric, "resource"), "target")["averageUtilization"];
}

function cpuPercent(metric: JsonObject): JsonValue | undefined {
  if (!isCpu(metric)) return undefined;
  return objectAt(objectAt(metric, "resource"), "current")["averageUtilization"];
}

function annotation(key: string, values: readonly JsonObject[]): Record<string, string> {
  return values.length === 0 ? {} : { [key]: JSON.stringify(values) };
}

function listIn(annotations: JsonObject, key: string, message: string): readonly JsonObject[] {
  const parsed = parse(annotations[key]);
  if (!Array.isArray(parsed)) return [];
  const list: readonly JsonValue[] = parsed;
  const decoded = list.map((each) => decode(each, message));
  return decoded.every((each) => each !== undefined) ? decoded : [];
}

/** Kubernetes writes this one with the names of Go's fields. */
function behaviorIn(annotations: JsonObject): JsonObject {
  const parsed = parse(annotations[BEHAVIOR]);
  if (parsed === undefined) return {};
  const message = "autoscaling.v2.HorizontalPodAutoscalerBehavior";
  const behavior = decode(renamed(parsed, small), message);
  return behavior === undefined || Object.keys(behavior).length === 0 ? {} : { behavior };
}

function renamed(value: JsonValue, rename: (key: string) => string): JsonValue {
  if (Array.isArray(value)) return value.map((each: JsonValue) => renamed(each, rename));
  if (!isObject(value)) return value;
  const entries = Object.entries(value);
  return Object.fromEntries(entries.map(([key, each]) => [rename(key), renamed(each, rename)]));
}

function capital(key: string): string {
  return key.slice(0, 1).toUpperCase() + key.slice(1);
}

function small(key: string): string {
  return key.slice(0, 1).toLowerCase() + key.slice(1);
}

/** Undefined for what is no such thing: Kubernetes takes an annotation that it cannot read for none. */
function decode(value: JsonValue, message: string): JsonObject | undefined {
  const schema = messageNamed(message);
  if (schema === undefined || !isObject(value)) return undefined;
  const decoder = new JsonDecoder();
  const decoded = decoder.message(schema, value);
  return decoder.problems.every(({ type }) => type === "unknown") ? decoded : undefined;
}

function parse(text: JsonValue | undefined): JsonValue | undefined {
  if (typeof text !== "string") return undefined;
  try {
    const parsed = JSON.parse(text) as JsonValue;
    return isDeeper(parsed) ? undefined : parsed;
  } catch {
    return undefined; // No JSON.
  }
}
