/** Metrics of autoscalers as `autoscaling/v1` has them in annotations, and as v2 has them in fields. Pure. */
import type { JsonObject, JsonValue } from "#lib/json";
import { objectAt } from "./object-meta.ts";

/** One source of metrics: under which field it stands, and how it is said in each version. */
interface Source {
  readonly field: string;
  readonly specToV1: (source: JsonObject) => JsonObject;
  readonly specToV2: (source: JsonObject) => JsonObject;
  readonly statusToV1: (source: JsonObject) => JsonObject;
  readonly statusToV2: (source: JsonObject) => JsonObject;
}

const resource: Pick<Source, "specToV1" | "specToV2" | "statusToV1" | "statusToV2"> = {
  specToV1: ({ container, name, target }) =>
    given({
      name,
      container,
      targetAverageUtilization: at(target, "averageUtilization"),
      targetAverageValue: at(target, "averageValue"),
    }),
  specToV2: ({ container, name, targetAverageUtilization, targetAverageValue }) =>
    given({
      name,
      container,
      target: given({
        type: targetAverageUtilization === undefined ? "AverageValue" : "Utilization",
        averageValue: targetAverageValue,
        averageUtilization: targetAverageUtilization,
      }),
    }),
  statusToV1: ({ container, current, name }) =>
    given({
      name,
      container,
      currentAverageUtilization: at(current, "averageUtilization"),
      currentAverageValue: at(current, "averageValue") ?? "0",
    }),
  statusToV2: ({ container, currentAverageUtilization, currentAverageValue, name }) =>
    given({
      name,
      container,
      current: given({
        averageValue: currentAverageValue,
        averageUtilization: currentAverageUtilization,
      }),
    }),
};

const SOURCES: Readonly<Record<string, Source>> = {
  Resource: { field: "resource", ...resource },
  ContainerResource: { field: "containerResource", ...resource },
  Pods: {
    field: "pods",
    specToV1: ({ metric, target }) =>
      given({ ...metricToV1(metric), targetAverageValue: at(target, "averageValue") ?? "0" }),
    specToV2: (source) => ({
      metric: metricToV2(source),
      target: given({ type: "AverageValue", averageValue: source["targetAverageValue"] }),
    }),
    statusToV1: ({ current, metric }) =>
      given({ ...metricToV1(metric), currentAverageValue: at(current, "averageValue") ?? "0" }),
    statusToV2: (source) => ({
      metric: metricToV2(source),
      current: given({ averageValue: source["currentAverageValue"] }),
    }),
  },
  Object: {
    field: "object",
    specToV1: ({ describedObject, metric, target }) =>
      given({
        target: describedObject,
        ...metricToV1(metric),
        targetValue: at(target, "value") ?? "0",
        averageValue: at(target, "averageValue"),
      }),
    specToV2: (source) =>
      given({
        describedObject: source["target"],
        metric: metricToV2(source),
        target: valueTarget(source["targetValue"], source["averageValue"]),
      }),
    statusToV1: ({ current, describedObject, metric }) =>
      given({
        target: describedObject,
        ...metricToV1(metric),
        currentValue: at(current, "value") ?? "0",
        averageValue: at(current, "averageValue"),
      }),
    statusToV2: (source) =>
      given({
        describedObject: source["target"],
        metric: metricToV2(source),
        current: given({ value: source["currentValue"], averageValue: source["averageValue"] }),
      }),
  },
  External: {
    field: "external",
    specToV1: ({ metric, target }) =>
      given({
        ...metricToV1(metric, "metricSelector"),
        targetValue: at(target, "value"),
        targetAverageValue: at(target, "averageValue"),
      }),
    specToV2: (source) => ({
      metric: metricToV2(source, "metricSelector"),
      target: valueTarget(source["targetValue"], source["targetAverageValue"]),
    }),
    statusToV1: ({ current, metric }) =>
      given({
        ...metricToV1(metric, "metricSelector"),
        currentValue: at(current, "value") ?? "0",
        currentAverageValue: at(current, "averageValue"),
      }),
    statusToV2: (source) => ({
      metric: metricToV2(source, "metricSelector"),
      current: given({
        value: source["currentValue"],
        averageValue: source["currentAverageValue"],
      }),
    }),
  },
};

type Part = "specToV1" | "specToV2" | "statusToV1" | "statusToV2";

/** Of a type that is not known there is nothing but the type to say. */
export function inVersion(metric: JsonObject, part: Part): JsonObject {
  const { type = "" } = metric;
  const source = SOURCES[String(type)];
  const value = source && metric[source.field];
  if (source === undefined || value === undefined) return { type };
  return { type, [source.field]: source[part](value as JsonObject) };
}

function metricToV1(metric: JsonValue | undefined, selector = "selector") {
  return { metricName: at(metric, "name"), [selector]: at(metric, "selector") };
}

function metricToV2(source: JsonObject, selector = "selector"): JsonObject {
  return given({ name: source["metricName"], selector: source[selector] });
}

function valueTarget(value: JsonValue | undefined, averageValue: JsonValue | undefined) {
  return averageValue === undefined
    ? given({ type: "Value", value })
    : { type: "AverageValue", averageValue };
}

function at(value: JsonValue | undefined, field: string): JsonValue | undefined {
  return objectAt({ value: value ?? {} }, "value")[field];
}

function given(fields: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as JsonObject;
}
