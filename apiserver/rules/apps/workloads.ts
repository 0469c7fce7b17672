import { isDeepStrictEqual } from "node:util";
import { labelSelectorMatcher } from "#lib/api/selector";
import type { JsonObject } from "#lib/json";
import type { StatusCause } from "#lib/status-error";
import type { LabelSelector } from "#proto/meta/v1";
import { type Causes, invalid, required, unsupported } from "../causes.ts";
import { atLeast, labelSelector } from "../checks.ts";
import { completePodTemplate, templateLabels, validatePodTemplate } from "../core/pod-template.ts";
import { type KindRules, specOf } from "../kind-rules.ts";
import {
  completeStrategy,
  DAEMON_SET_STRATEGY,
  DEPLOYMENT_STRATEGY,
  validateStrategy,
} from "./strategy.ts";

const selectorImmutable = (object: JsonObject, old: JsonObject): Causes =>
  isDeepStrictEqual(specOf(object)["selector"], specOf(old)["selector"])
    ? []
    : [invalid("spec.selector", specOf(object)["selector"], "field is immutable")];

const common = {
  nameRule: "subdomain",
  complete: completeTemplate,
  validateUpdate: selectorImmutable,
} as const satisfies KindRules;

export const replicaSetRules: KindRules = {
  ...common,
  firstStatus: () => ({ replicas: 0 }),
  validate: (object) => [
    ...validateCounts(object, ["replicas", "minReadySeconds"]),
    ...validateTemplate(object),
  ],
};

export const deploymentRules: KindRules = {
  ...common,
  firstStatus: () => ({}),
  complete(object) {
    const completed = completeTemplate(object);
    const strategy = completeStrategy(specOf(object)["strategy"], DEPLOYMENT_STRATEGY);
    return { ...completed, spec: { ...specOf(completed), strategy } };
  },
  validate: (object) => [
    ...validateCounts(object, ["replicas", "minReadySeconds", "revisionHistoryLimit"]),
    ...validateDeadline(specOf(object)),
    ...validateStrategy(specOf(object)["strategy"], DEPLOYMENT_STRATEGY),
    ...validateTemplate(object),
  ],
};

export const daemonSetRules: KindRules = {
  ...common,
  firstStatus: () => ({
    currentNumberScheduled: 0,
    desiredNumberScheduled: 0,
    numberMisscheduled: 0,
    numberReady: 0,
  }),
  complete(object) {
    const completed = completeTemplate(object);
    const updateStrategy = completeStrategy(specOf(object)["updateStrategy"], DAEMON_SET_STRATEGY);
    return { ...completed, spec: { ...specOf(completed), updateStrategy } };
  },
  validate: (object) => [
    ...validateStrategy(specOf(object)["updateStrategy"], DAEMON_SET_STRATEGY),
    ...validateCounts(object, ["minReadySeconds", "revisionHistoryLimit"]),
    ...validateTemplate(object),
  ],
};

export function completeTemplate(object: JsonObject): JsonObject {
  const spec = specOf(object);
  const template = completePodTemplate((spec["template"] ?? {}) as JsonObject);
  return { ...object, spec: { ...spec, template } };
}

export function validateTemplate(object: JsonObject): Causes {
  const spec = specOf(object);
  const template = (spec["template"] ?? {}) as JsonObject;
  const selector = spec["selector"] as LabelSelector | undefined;
  const labels = templateLabels(template);
  const causes: StatusCause[] = [];
  if (selector === undefined) {
    causes.push(required("spec.selector"));
  } else if (isEmpty(selector)) {
    causes.push(invalid("spec.selector", selector, "empty selector is invalid"));
  } else if (!labelSelectorMatcher(selector)(labels)) {
    causes.push(
      invalid(
        "spec.template.metadata.labels",
        labels,
        "`selector` does not match template `labels`",
      ),
    );
  }
  return [
    ...causes,
    ...runsForEver(template),
    ...labelSelector(selector, "spec.selector"),
    ...validatePodTemplate(template, "spec.template"),
  ];
}

/** Pods of these kinds are there to stay. */
export function runsForEver(template: JsonObject): Causes {
  const policy = ((template["spec"] ?? {}) as JsonObject)["restartPolicy"];
  if (policy === undefined || policy === "Always") return [];
  return [unsupported("spec.template.spec.restartPolicy", policy, ["Always"])];
}

function isEmpty(selector: LabelSelector): boolean {
  return (
    Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0
  );
}

export function validateCounts(object: JsonObject, fields: readonly string[]): Causes {
  return fields.flatMap((field) =>
    atLeast(`spec.${field}`, specOf(object)[field] as number | undefined, 0),
  );
}

function validateDeadline(spec: JsonObject): Causes {
  const deadline = spec["progressDeadlineSeconds"];
  const minReady = Number(spec["minReadySeconds"] ?? 0);
  if (deadline === undefined || Number(deadline) > minReady) return [];
  return [
    invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"),
  ];
}
