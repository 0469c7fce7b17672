/** The policies by which a Job judges its failed pods and its success. */
import { IndexSet, IndexSetError } from "#lib/api/index-set";
import { labelKeyProblem } from "#lib/api/names";
import type { JobSpec, PodFailurePolicyRule, SuccessPolicyRule } from "#proto/batch/v1";
import { type Causes, duplicate, invalid, required } from "../causes.ts";
import { atLeast, named, repeats, requiredOneOf } from "../checks.ts";

const RULES_MAX = 20;
const PATTERNS_MAX = 20;
const EXIT_CODES_MAX = 255;
const ACTIONS = ["Count", "FailIndex", "FailJob", "Ignore"];

export function validatePodFailurePolicy(spec: JobSpec, path: string): Causes {
  const { podFailurePolicy, podReplacementPolicy, template } = spec;
  if (podFailurePolicy === undefined) return [];
  const here = `${path}.podFailurePolicy.rules`;
  const { rules = [] } = podFailurePolicy;
  const names = new Set(
    [...(template.spec.containers ?? []), ...(template.spec.initContainers ?? [])].map(
      ({ name }) => name,
    ),
  );
  return [
    ...(template.spec.restartPolicy === "Never"
      ? []
      : [
          invalid(
            `${path}.template.spec.restartPolicy`,
            template.spec.restartPolicy,
            'only "Never" is supported when podFailurePolicy is specified',
          ),
        ]),
    ...(podReplacementPolicy === "TerminatingOrFailed"
      ? [
          invalid(
            `${path}.podReplacementPolicy`,
            podReplacementPolicy,
            "may only be Failed when podFailurePolicy is specified",
          ),
        ]
      : []),
    ...tooMany(here, rules.length, RULES_MAX),
    ...rules.flatMap((rule, at) => validateRule(spec, rule, names, `${here}[${at}]`)),
  ];
}

function validateRule(
  spec: JobSpec,
  rule: PodFailurePolicyRule,
  names: ReadonlySet<string>,
  path: string,
): Causes {
  const { action, onExitCodes, onPodConditions = [] } = rule;
  const given = Number(onExitCodes !== undefined) + Number(onPodConditions.length > 0);
  const needsLimit = action === "FailIndex" && spec.backoffLimitPerIndex === undefined;
  return [
    ...requiredOneOf(`${path}.action`, action, ACTIONS),
    ...(needsLimit
      ? [invalid(`${path}.action`, action, "requires the backoffLimitPerIndex to be set")]
      : []),
    ...(given === 1
      ? []
      : [
          invalid(
            path,
            given === 0 ? "none" : "both",
            "specifying one of OnExitCodes and OnPodConditions is required",
          ),
        ]),
    ...(onExitCodes === undefined ? [] : validateExitCodes(onExitCodes, names, path)),
    ...tooMany(`${path}.onPodConditions`, onPodConditions.length, PATTERNS_MAX),
    ...onPodConditions.flatMap(({ status, type }, at) => {
      const here = `${path}.onPodConditions[${at}]`;
      return [
        ...((type ?? "") === "" ? [required(`${here}.type`)] : []),
        ...named(`${here}.type`, type, labelKeyProblem),
        ...requiredOneOf(`${here}.status`, status, ["False", "True", "Unknown"]),
      ];
    }),
  ];
}

function validateExitCodes(
  { containerName, operator, values = [] }: NonNullable<PodFailurePolicyRule["onExitCodes"]>,
  names: ReadonlySet<string>,
  path: string,
): Causes {
  const here = `${path}.onExitCodes`;
  const isKnown = containerName === undefined || names.has(containerName);
  const isTwice = repeats(values);
  return [
    ...requiredOneOf(`${here}.operator`, operator, ["In", "NotIn"]),
    ...(isKnown
      ? []
      : [
          invalid(
            `${here}.containerName`,
            containerName,
            "must be one of the container or initContainer names in the pod template",
          ),
        ]),
    ...(values.length === 0
      ? [invalid(`${here}.values`, values, "at least one value is required")]
      : []),
    ...tooMany(`${here}.values`, values.length, EXIT_CODES_MAX),
    ...values.flatMap((value, at) => {
      const where = `${here}.values[${at}]`;
      if (operator === "In" && value === 0)
        return [invalid(where, value, "must not be 0 for the In operator")];
      if (isTwice[at]) return [duplicate(where, value)];
      return [];
    }),
    ...(values.some((value, at) => at > 0 && value < (values[at - 1] ?? 0))
      ? [invalid(`${here}.values`, values, "must be ordered")]
      : []),
  ];
}

export function validateSuccessPolicy(spec: JobSpec, path: string): Causes {
  const { completionMode, completions = 0, successPolicy } = spec;
  if (successPolicy === undefined) return [];
  const here = `${path}.successPolicy.rules`;
  const { rules = [] } = successPolicy;
  return [
    ...(completionMode === "Indexed"
      ? []
      : [
          invalid(
            `${path}.successPolicy`,
            successPolicy,
            "requires indexed completion mode: set completionMode to Indexed",
          ),
        ]),
    ...(rules.length === 0 ? [required(here, "at least one rules must be specified")] : []),
    ...tooMany(here, rules.length, RULES_MAX),
    ...rules.flatMap((rule, at) => validateSuccessRule(rule, completions, `${here}[${at}]`)),
  ];
}

function validateSuccessRule(
  { succeededCount, succeededIndexes }: SuccessPolicyRule,
  completions: number,
  path: string,
): Causes {
  if (succeededCount === undefined && succeededIndexes === undefined)
    return [required(path, "at least one of succeededCount or succeededIndexes must be specified")];
  const indexes = parsed(succeededIndexes);
  if (indexes instanceof IndexSetError)
    return [
      invalid(`${path}.succeededIndexes`, succeededIndexes, `error parsing: ${indexes.message}`),
    ];
  const outside = (indexes?.largest ?? 0) >= completions && indexes !== undefined;
  const most = indexes?.size ?? completions;
  return [
    ...(outside
      ? [
          invalid(
            `${path}.succeededIndexes`,
            succeededIndexes,
            `indexes must be less than completions, ${completions}`,
          ),
        ]
      : []),
    ...atLeast(`${path}.succeededCount`, succeededCount, 0),
    ...((succeededCount ?? 0) > most
      ? [
          invalid(
            `${path}.succeededCount`,
            succeededCount,
            `must be less than or equal to ${most} (the number of indexes in question)`,
          ),
        ]
      : []),
  ];
}

function parsed(text: string | undefined): IndexSet | IndexSetError | undefined {
  if (text === undefined) return undefined;
  try {
    return IndexSet.parse(text);
  } catch (error) {
    if (error instanceof IndexSetError) return error;
    throw error;
  }
}

function tooMany(path: string, count: number, max: number): Causes {
  if (count <= max) return [];
  const message = `Too many: ${count}: must have at most ${max} items`;
  return [{ reason: "FieldValueTooMany", field: path, message }];
}
