import { isDeepStrictEqual } from "node:util";
import { labelSelectorMatcher } from "#lib/api/selector";
import type { JsonObject } from "#lib/json";
import type { StatusCause } from "#lib/status-error";
import type { LabelSelector } from "#proto/meta/v1";
import { type Causes, invalid, required, unsupported } from "../causes.ts";
import { atLeast, labelSelector } from "../checks.ts";
import { completePodSpec } from "../core/pod-defaults.ts";
import { validatePodSpec } from "../core/pod-spec.ts";
import { type KindRules, specOf } from "../kind-rules.ts";
import { validateLabels } from "../metadata.ts";
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

function completeTemplate(object: JsonObject): JsonObject {
  const template = (specOf(object)["template"] ?? {}) as JsonObject;
  const spec = (template["spec"] ?? {}) as JsonObject;
  return {
    ...object,
    spec: { ...specOf(object), template: { ...template, spec: completeTemplateSpec(spec) } },
  };
}

/** As a pod's, but for the account: a template that names none leaves it to the pod. */
function completeTemplateSpec(spec: JsonObject): JsonObject {
  const { serviceAccount, serviceAccountName, ...completed } = completePodSpec(spec);
  if (spec["serviceAccountName"] === undefined && spec["serviceAccount"] === undefined)
    return completed;
  return {
    ...completed,
    serviceAccount: serviceAccount ?? "",
    serviceAccountName: serviceAccountName ?? "",
  };
}

function validateTemplate(object: JsonObject): Causes {
  const spec = specOf(object);
  const template = (spec["template"] ?? {}) as {
    readonly metadata?: { readonly labels?: Record<string, string> };
    readonly spec?: JsonObject;
  };
  const selector = spec["selector"] as LabelSelector | undefined;
  const labels = template.metadata?.labels ?? {};
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
  const policy = template.spec?.["restartPolicy"];
  if (policy !== undefined && policy !== "Always") {
    causes.push(unsupported("spec.template.spec.restartPolicy", policy, ["Always"]));
  }
  return [
    ...causes,
    ...labelSelector(selector, "spec.selector"),
    ...validateLabels(labels, "spec.template.labels"),
    ...validatePodSpec(template.spec ?? {}, "spec.template.spec"),
  ];
}

function isEmpty(selector: LabelSelector): boolean {
  return (
    Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0
  );
}

function validateCounts(object: JsonObject, fields: readonly string[]): Causes {
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
