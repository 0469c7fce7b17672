import { labelNameProblem } from "#lib/api/names";
import type { JsonObject } from "#lib/json";
import type { JobSpec } from "#proto/batch/v1";
import { type Causes, invalid, required } from "../causes.ts";
import { atLeast, oneOf } from "../checks.ts";
import { completePodTemplate, templateLabels, validatePodTemplate } from "../core/pod-template.ts";
import { type KindRules, specOf } from "../kind-rules.ts";
import { validatePodFailurePolicy, validateSuccessPolicy } from "./job-policies.ts";
import { validateGenerated, validateSelector, withGeneratedSelector } from "./job-selector.ts";
import { validateJobUpdate } from "./job-update.ts";

const BACKOFF_LIMIT = 6;
/** Kubernetes' bounds for what a controller has to keep in mind and a status to hold. */
const INDEXED_PODS_MAX = 100_000;
const FAILED_INDEXES_MAX = 100_000;
const MANY_COMPLETIONS = 100_000;
const FAILED_OF_MANY_MAX = 10_000;
const MANAGED_BY_LENGTH_MAX = 63;
const INT32_MAX = 2_147_483_647;

export const jobRules: KindRules = {
  nameRule: "subdomain",
  firstStatus: () => ({}),
  complete: completeJob,
  completeNew: withGeneratedSelector,
  validate: (object) => [
    ...validateJobSpec(specOf(object), "spec"),
    ...validateSelector(object),
    ...validateHostname(object),
  ],
  validateCreate: validateGenerated,
  validateUpdate: validateJobUpdate,
};

function completeJob(object: JsonObject): JsonObject {
  return withLabels({ ...object, spec: completeJobSpec(specOf(object)) });
}

/** A Job without labels has those of its template, before the server adds some. */
function withLabels(job: JsonObject): JsonObject {
  const metadata = job["metadata"] as JsonObject;
  const labels = templateLabels(specOf(job)["template"] as JsonObject | undefined);
  const own = Object.keys((metadata["labels"] ?? {}) as JsonObject);
  if (own.length > 0 || Object.keys(labels).length === 0) return job;
  return { ...job, metadata: { ...metadata, labels } };
}

function completeJobSpec(spec: JsonObject): JsonObject {
  const { backoffLimitPerIndex, completions, parallelism, podFailurePolicy } = spec;
  const isSingle = completions === undefined && parallelism === undefined;
  return {
    ...spec,
    ...(isSingle ? { completions: 1 } : {}),
    parallelism: parallelism ?? 1,
    backoffLimit:
      spec["backoffLimit"] ?? (backoffLimitPerIndex === undefined ? BACKOFF_LIMIT : INT32_MAX),
    completionMode: spec["completionMode"] ?? "NonIndexed",
    suspend: spec["suspend"] ?? false,
    podReplacementPolicy:
      spec["podReplacementPolicy"] ??
      (podFailurePolicy === undefined ? "TerminatingOrFailed" : "Failed"),
    template: completePodTemplate((spec["template"] ?? {}) as JsonObject),
  };
}

/** Also for the template in a CronJob, which has no selector; `path` is that of the spec. */
export function validateJobSpec(given: JsonObject, path: string): Causes {
  const spec = given as unknown as JobSpec;
  const policy = spec.template?.spec?.restartPolicy;
  return [
    ...COUNTS.flatMap((field) => atLeast(`${path}.${field}`, spec[field], 0)),
    ...oneOf(`${path}.completionMode`, spec.completionMode, ["Indexed", "NonIndexed"]),
    ...oneOf(`${path}.podReplacementPolicy`, spec.podReplacementPolicy, [
      "Failed",
      "TerminatingOrFailed",
    ]),
    ...validateIndexed(spec, path),
    ...validateManagedBy(spec.managedBy, `${path}.managedBy`),
    ...(policy === "OnFailure" || policy === "Never"
      ? []
      : [required(`${path}.template.spec.restartPolicy`, 'valid values: "OnFailure", "Never"')]),
    ...(spec.template === undefined ? [] : policies(spec, path)),
    ...validatePodTemplate((given["template"] ?? {}) as JsonObject, `${path}.template`),
  ];
}

function policies(spec: JobSpec, path: string): Causes {
  return [...validatePodFailurePolicy(spec, path), ...validateSuccessPolicy(spec, path)];
}

const COUNTS = [
  "parallelism",
  "completions",
  "activeDeadlineSeconds",
  "backoffLimit",
  "backoffLimitPerIndex",
  "maxFailedIndexes",
  "ttlSecondsAfterFinished",
] as const;

function validateIndexed(spec: JobSpec, path: string): Causes {
  const { backoffLimitPerIndex, completionMode, completions, maxFailedIndexes, parallelism } = spec;
  const indexedOnly = `${path}.backoffLimitPerIndex`;
  const maxPath = `${path}.maxFailedIndexes`;
  if (completionMode !== "Indexed") {
    const why = "requires indexed completion mode: set completionMode to Indexed";
    return [
      ...(backoffLimitPerIndex === undefined
        ? []
        : [invalid(indexedOnly, backoffLimitPerIndex, why)]),
      ...(maxFailedIndexes === undefined ? [] : [invalid(maxPath, maxFailedIndexes, why)]),
    ];
  }
  const isMany = (completions ?? 0) > MANY_COMPLETIONS;
  const failedMax = isMany ? FAILED_OF_MANY_MAX : FAILED_INDEXES_MAX;
  const needsMax = isMany && backoffLimitPerIndex !== undefined && maxFailedIndexes === undefined;
  return [
    ...(completions === undefined
      ? [required(`${path}.completions`, "when completion mode is Indexed")]
      : []),
    ...atMost(`${path}.parallelism`, parallelism, {
      max: INDEXED_PODS_MAX,
      when: " when completion mode is Indexed",
    }),
    ...(maxFailedIndexes !== undefined && backoffLimitPerIndex === undefined
      ? [required(indexedOnly, "when maxFailedIndexes is specified")]
      : []),
    ...(needsMax ? [required(maxPath, `when completions is above ${MANY_COMPLETIONS}`)] : []),
    ...atMost(maxPath, maxFailedIndexes, {
      max: Math.min(failedMax, completions ?? failedMax),
      when: "",
    }),
  ];
}

function atMost(
  path: string,
  value: number | undefined,
  { max, when }: { readonly max: number; readonly when: string },
): Causes {
  if (value === undefined || value <= max) return [];
  return [invalid(path, value, `must be less than or equal to ${max}${when}`)];
}

function validateManagedBy(value: string | undefined, path: string): Causes {
  if (value === undefined) return [];
  if (value.length > MANAGED_BY_LENGTH_MAX)
    return [invalid(path, value, `must be no more than ${MANAGED_BY_LENGTH_MAX} characters`)];
  return /^[a-z0-9.-]+\/[A-Za-z0-9._/-]+$/.test(value)
    ? []
    : [invalid(path, value, "must be a domain-prefixed path (such as acme.io/foo)")];
}

/** Pods of an Indexed Job are called by the Job's name and their index. */
function validateHostname(job: JsonObject): Causes {
  const { completionMode, completions = 0 } = specOf(job) as unknown as JobSpec;
  const { name = "" } = job["metadata"] as { readonly name?: string };
  if (completionMode !== "Indexed" || completions === 0) return [];
  const hostname = `${name}-${completions - 1}`;
  return labelNameProblem(hostname) === undefined
    ? []
    : [
        invalid(
          "metadata.name",
          name,
          `will not able to create pod with invalid DNS label: ${hostname}`,
        ),
      ];
}
