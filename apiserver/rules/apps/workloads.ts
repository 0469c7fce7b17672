import { isDeepStrictEqual } from "node:util";
import { scaledValue } from "#lib/api/int-or-string";
import { labelSelectorMatcher } from "#lib/api/selector";
import type { JsonObject } from "#lib/json";
import type { StatusCause } from "#lib/status-error";
import type { LabelSelector } from "#proto/meta/v1";
import { type Causes, invalid, required, unsupported } from "../causes.ts";
import { completePodSpec } from "../core/pod-defaults.ts";
import { validatePodSpec } from "../core/pod-spec.ts";
import { type KindRules, specOf } from "../kind-rules.ts";
import { validateLabels } from "../metadata.ts";

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
  validate: (object) => [
    ...validateCounts(object, ["replicas", "minReadySeconds", "revisionHistoryLimit"]),
    ...validateDeadline(specOf(object)),
    ...validateStrategy((specOf(object)["strategy"] ?? {}) as Strategy),
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
  validate: (object) => [
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
  return fields.flatMap((field) => {
    const value = Number(specOf(object)[field] ?? 0);
    return value >= 0
      ? []
      : [invalid(`spec.${field}`, value, "must be greater than or equal to 0")];
  });
}

function validateDeadline(spec: JsonObject): Causes {
  const deadline = spec["progressDeadlineSeconds"];
  const minReady = Number(spec["minReadySeconds"] ?? 0);
  if (deadline === undefined || Number(deadline) > minReady) return [];
  return [
    invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"),
  ];
}

interface Strategy {
  readonly type?: string;
  readonly rollingUpdate?: {
    readonly maxSurge?: number | string;
    readonly maxUnavailable?: number | string;
  };
}

const STRATEGIES = ["Recreate", "RollingUpdate"];

function validateStrategy({ rollingUpdate, type = "RollingUpdate" }: Strategy): Causes {
  if (!STRATEGIES.includes(type)) return [unsupported("spec.strategy.type", type, STRATEGIES)];
  const path = "spec.strategy.rollingUpdate";
  if (type === "Recreate") {
    if (rollingUpdate === undefined) return [];
    return [
      {
        reason: "FieldValueForbidden",
        field: path,
        message: "Forbidden: may not be specified when strategy `type` is 'Recreate'",
      },
    ];
  }
  const causes: StatusCause[] = [];
  for (const field of ["maxSurge", "maxUnavailable"] as const) {
    const value = rollingUpdate?.[field];
    const scaled = scaledValue(value, 100, "up");
    if (Number.isNaN(scaled) || scaled < 0) {
      causes.push(
        invalid(`${path}.${field}`, value, "must be a number of pods or a percentage, as 1 or 25%"),
      );
    }
  }
  const isZero = (value: number | string | undefined): boolean =>
    value !== undefined && scaledValue(value, 100, "up") === 0;
  if (isZero(rollingUpdate?.maxSurge) && isZero(rollingUpdate?.maxUnavailable)) {
    causes.push(
      invalid(
        `${path}.maxUnavailable`,
        rollingUpdate?.maxUnavailable,
        "may not be 0 when `maxSurge` is 0",
      ),
    );
  }
  return causes;
}
