/** What of a Job may change once it is there. */
import { isDeepStrictEqual } from "node:util";
import { isConditionTrue } from "#lib/api/condition";
import type { JsonObject } from "#lib/json";
import type { Job, JobSpec } from "#proto/batch/v1";
import { type Causes, invalid } from "../causes.ts";
import { specOf } from "../kind-rules.ts";

const FIXED = [
  "selector",
  "completionMode",
  "podFailurePolicy",
  "backoffLimitPerIndex",
  "successPolicy",
  "managedBy",
];
const IMMUTABLE = "field is immutable";

export function validateJobUpdate(object: JsonObject, old: JsonObject): Causes {
  const [now, before] = [specOf(object), specOf(old)];
  return [
    ...FIXED.filter((field) => !isDeepStrictEqual(now[field], before[field])).map((field) =>
      invalid(`spec.${field}`, now[field] ?? null, IMMUTABLE),
    ),
    ...validateCompletions(now as unknown as JobSpec, before as unknown as JobSpec),
    ...validateTemplateUpdate(object, old),
  ];
}

/** An Indexed Job may grow and shrink while all its indexes run at a time. */
function validateCompletions(now: JobSpec, before: JobSpec): Causes {
  if (now.completions === before.completions) return [];
  if (now.completionMode !== "Indexed")
    return [invalid("spec.completions", now.completions, IMMUTABLE)];
  if (now.completions === now.parallelism) return [];
  const why = `can only be modified in tandem with spec.parallelism (${now.parallelism})`;
  return [invalid("spec.completions", now.completions, why)];
}

/** A Job that has not begun, or was suspended and has no pods, may still be told where its pods run. */
function validateTemplateUpdate(object: JsonObject, old: JsonObject): Causes {
  const [now, before] = [specOf(object)["template"], specOf(old)["template"]] as JsonObject[];
  if (isDeepStrictEqual(now, before)) return [];
  const isSame = mayMove(old)
    ? isDeepStrictEqual(withoutPlacement(now), withoutPlacement(before))
    : false;
  return isSame ? [] : [invalid("spec.template", "the template", IMMUTABLE)];
}

function mayMove(object: JsonObject): boolean {
  const { spec, status } = object as unknown as Job;
  if (spec.suspend !== true) return false;
  const isSuspended = isConditionTrue(status?.conditions, "Suspended");
  return status?.startTime === undefined || (isSuspended && (status.active ?? 0) === 0);
}

function withoutPlacement(template: JsonObject | undefined): JsonObject {
  const { metadata, spec } = (template ?? {}) as { metadata?: JsonObject; spec?: JsonObject };
  const { annotations: _a, labels: _l, ...otherMetadata } = metadata ?? {};
  const { affinity, nodeSelector: _n, schedulingGates: _s, tolerations: _t, ...other } = spec ?? {};
  const { nodeAffinity: _f, ...otherAffinity } = (affinity ?? {}) as JsonObject;
  return { metadata: otherMetadata, spec: { ...other, affinity: otherAffinity } };
}
