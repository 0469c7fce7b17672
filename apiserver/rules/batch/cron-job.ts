import { parseSchedule, ScheduleError, timeZoneProblem } from "#lib/cron-schedule";
import type { JsonObject } from "#lib/json";
import type { CronJobSpec } from "#proto/batch/v1";
import { type Causes, invalid, required, unsupported } from "../causes.ts";
import { atLeast, oneOf } from "../checks.ts";
import { completePodTemplate } from "../core/pod-template.ts";
import { type KindRules, specOf } from "../kind-rules.ts";
import { validateLabels } from "../metadata.ts";
import { validateJobSpec } from "./job.ts";

/** A label's length, less the eleven letters that the controller adds to name a Job. */
const NAME_LENGTH_MAX = 52;

export const cronJobRules: KindRules = {
  nameRule: "subdomain",
  firstStatus: () => ({}),
  complete: (object) => ({ ...object, spec: completeSpec(specOf(object)) }),
  validate: (object) => [...validateName(object), ...validateSpec(specOf(object))],
};

function completeSpec(spec: JsonObject): JsonObject {
  const jobTemplate = (spec["jobTemplate"] ?? {}) as JsonObject;
  const jobSpec = (jobTemplate["spec"] ?? {}) as JsonObject;
  const template = completePodTemplate((jobSpec["template"] ?? {}) as JsonObject);
  return { ...spec, jobTemplate: { ...jobTemplate, spec: { ...jobSpec, template } } };
}

function validateName(object: JsonObject): Causes {
  const { name = "" } = object["metadata"] as { readonly name?: string };
  if (name.length <= NAME_LENGTH_MAX) return [];
  return [invalid("metadata.name", name, `must be no more than ${NAME_LENGTH_MAX} characters`)];
}

function validateSpec(given: JsonObject): Causes {
  const spec = given as unknown as CronJobSpec;
  const { manualSelector } = spec.jobTemplate.spec;
  const labels = spec.jobTemplate.metadata?.labels ?? {};
  return [
    ...validateSchedule(spec.schedule ?? ""),
    ...validateTimeZone(spec.timeZone),
    ...atLeast("spec.startingDeadlineSeconds", spec.startingDeadlineSeconds, 0),
    ...oneOf("spec.concurrencyPolicy", spec.concurrencyPolicy, ["Allow", "Forbid", "Replace"]),
    ...atLeast("spec.successfulJobsHistoryLimit", spec.successfulJobsHistoryLimit, 0),
    ...atLeast("spec.failedJobsHistoryLimit", spec.failedJobsHistoryLimit, 0),
    ...validateLabels(labels, "spec.jobTemplate.labels"),
    ...(manualSelector === true
      ? [unsupported("spec.jobTemplate.spec.manualSelector", true, ["nil", "false"])]
      : []),
    ...validateJobSpec(spec.jobTemplate.spec as unknown as JsonObject, "spec.jobTemplate.spec"),
  ];
}

function validateSchedule(text: string): Causes {
  if (text === "") return [required("spec.schedule")];
  if (text.includes("TZ")) {
    const why = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
    return [invalid("spec.schedule", text, why)];
  }
  try {
    parseSchedule(text);
    return [];
  } catch (error) {
    if (error instanceof ScheduleError) return [invalid("spec.schedule", text, error.message)];
    throw error;
  }
}

function validateTimeZone(name: string | undefined): Causes {
  const problem = name === undefined ? undefined : timeZoneProblem(name);
  return problem === undefined ? [] : [invalid("spec.timeZone", name, problem)];
}
