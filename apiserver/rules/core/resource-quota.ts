import { isDeepStrictEqual } from "node:util";
import { labelKeyProblem } from "#lib/api/names";
import { tryParseQuantity } from "#lib/api/quantity";
import { type Scope, scopesOf } from "#lib/quota/scopes";
import { isUsedBy } from "#lib/quota/usage";
import type { ResourceQuota } from "#proto/core/v1";
import { pods } from "#resources";
import { type Causes, invalid, required, unsupported } from "../causes.ts";
import { type KindRules, specOf } from "../kind-rules.ts";

type Spec = ResourceQuota["spec"];

/** Names without a slash that quotas know. */
const STANDARD: ReadonlySet<string> = new Set([
  "configmaps",
  "cpu",
  "ephemeral-storage",
  "limits.cpu",
  "limits.ephemeral-storage",
  "limits.memory",
  "memory",
  "persistentvolumeclaims",
  "pods",
  "replicationcontrollers",
  "requests.cpu",
  "requests.ephemeral-storage",
  "requests.memory",
  "requests.storage",
  "resourcequotas",
  "secrets",
  "services",
  "services.loadbalancers",
  "services.nodeports",
]);
const HUGE_PAGES = /^(requests\.)?hugepages-/;
const SCOPES = [
  "BestEffort",
  "CrossNamespacePodAffinity",
  "NotBestEffort",
  "NotTerminating",
  "PriorityClass",
  "Terminating",
];
/** No object is in both. */
const OPPOSITES = [
  ["BestEffort", "NotBestEffort"],
  ["Terminating", "NotTerminating"],
] as const;
const OPERATORS = ["DoesNotExist", "Exists", "In", "NotIn"];
/** Measured, so that a part is possible; all else is counted in wholes. */
const MEASURED = /(^|\.)(cpu|memory|ephemeral-storage|storage)$|hugepages-/;
const WHOLE = 1_000_000_000n;

export const resourceQuotaRules: KindRules = {
  nameRule: "subdomain",
  firstStatus: () => ({}),
  validate(object) {
    const spec = specOf(object) as unknown as Spec;
    return [...hardProblems(spec), ...scopesProblems(spec), ...selectorProblems(spec)];
  },
  validateUpdate(object, old) {
    const { scopes = [] } = specOf(object) as unknown as Spec;
    const { scopes: before = [] } = specOf(old) as unknown as Spec;
    return isDeepStrictEqual(scopes.toSorted(), before.toSorted())
      ? []
      : [invalid("spec.scopes", scopes, "field is immutable")];
  },
};

function hardProblems({ hard = {} }: Spec): Causes {
  return Object.entries(hard).flatMap(([name, text]) => {
    const path = `spec.hard[${name}]`;
    const quantity = tryParseQuantity(text);
    const nameProblem = resourceProblem(name);
    return [
      ...(nameProblem === undefined ? [] : [invalid(path, name, nameProblem)]),
      ...(quantity === undefined
        ? [invalid(path, text, "must be a quantity, as 500m or 128Mi")]
        : []),
      ...(quantity !== undefined && quantity.nanos < 0n
        ? [invalid(path, text, "must be greater than or equal to 0")]
        : []),
      ...(quantity !== undefined && !MEASURED.test(name) && quantity.nanos % WHOLE !== 0n
        ? [invalid(path, text, "must be an integer")]
        : []),
    ];
  });
}

function resourceProblem(name: string): string | undefined {
  const problem = labelKeyProblem(name);
  if (problem !== undefined) return problem;
  if (name.includes("/") || STANDARD.has(name) || HUGE_PAGES.test(name)) return undefined;
  return "must be a standard resource for quota, or fully qualified";
}

function scopesProblems(spec: Spec): Causes {
  const { hard = {}, scopes = [] } = spec;
  const path = "spec.scopes";
  const unknown = scopes.filter((each) => !SCOPES.includes(each));
  const isPodsOnly = Object.keys(hard).every((name) => isUsedBy(pods, name));
  return [
    ...unknown.map((each) => unsupported(path, each, SCOPES)),
    ...(scopes.length > 0 && !isPodsOnly
      ? [invalid(path, scopes, "unsupported scope applied to resource")]
      : []),
    ...bestEffortProblems(spec, path),
    ...conflicts(new Set(scopes), path, scopes),
  ];
}

/** Pods of best effort ask for nothing: all that can be limited is their number. */
function bestEffortProblems(spec: Spec, path: string): Causes {
  const isBestEffort = scopesOf({ spec }).some(({ scopeName }) => scopeName === "BestEffort");
  const others = Object.keys(spec.hard ?? {}).filter((name) => !/^(count\/)?pods$/.test(name));
  return isBestEffort && others.length > 0
    ? [invalid(path, "BestEffort", "unsupported scope applied to resource")]
    : [];
}

function conflicts(names: ReadonlySet<string>, path: string, value: unknown): Causes {
  return OPPOSITES.some((pair) => pair.every((each) => names.has(each)))
    ? [invalid(path, value, "conflicting scopes")]
    : [];
}

function selectorProblems({ hard = {}, scopeSelector }: Spec): Causes {
  const path = "spec.scopeSelector.matchExpressions";
  const expressions = scopeSelector?.matchExpressions ?? [];
  const isPodsOnly = Object.keys(hard).every((name) => isUsedBy(pods, name));
  return [
    ...expressions.flatMap((scope, at) => expressionProblems(scope, `${path}[${at}]`)),
    ...(expressions.length > 0 && !isPodsOnly
      ? [invalid(path, expressions, "unsupported scope applied to resource")]
      : []),
    ...conflicts(new Set(expressions.map(({ scopeName }) => scopeName)), path, expressions),
  ];
}

function expressionProblems({ operator, scopeName, values = [] }: Scope, path: string): Causes {
  if (!SCOPES.includes(scopeName)) return [unsupported(`${path}.scopeName`, scopeName, SCOPES)];
  if (!OPERATORS.includes(operator)) return [unsupported(`${path}.operator`, operator, OPERATORS)];
  if (scopeName !== "PriorityClass" && operator !== "Exists") {
    const why = "must be 'Exists' for every scope but PriorityClass";
    return [invalid(`${path}.operator`, operator, why)];
  }
  const takesValues = operator === "In" || operator === "NotIn";
  if (takesValues && values.length === 0) {
    const why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
    return [required(`${path}.values`, why)];
  }
  return !takesValues && values.length > 0
    ? [
        invalid(
          `${path}.values`,
          values,
          "must be no value when `operator` is 'Exists' or 'DoesNotExist' for scope selector",
        ),
      ]
    : [];
}
