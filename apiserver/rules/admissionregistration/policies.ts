import { labelKeyProblem, subdomainProblem } from "#lib/api/names";
import type { JsonObject } from "#lib/json";
import type {
  AuditAnnotation,
  MatchResources,
  MutatingAdmissionPolicySpec,
  ParamKind,
  ParamRef,
  ValidatingAdmissionPolicyBindingSpec,
  ValidatingAdmissionPolicySpec,
  Validation,
  Variable,
} from "#proto/admissionregistration/v1";
import type { Declarations } from "../../cel/environment.ts";
import { type PolicyLanguage, policyLanguage } from "../../cel/policy.ts";
import { type Causes, duplicate, invalid, required, unsupported } from "../causes.ts";
import {
  givenOf,
  labelSelector,
  named,
  nonEmpty,
  oneOf,
  repeats,
  requiredOneOf,
} from "../checks.ts";
import { type KindRules, specOf } from "../kind-rules.ts";
import { conditionCauses, conflicting, expressionCauses, ruleCauses } from "./matching.ts";
import { firstPolicyStatus, nextPolicyStatus } from "./type-checking.ts";

const REASONS = ["Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"];
const ACTIONS = ["Audit", "Deny", "Warn"];
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

export const validatingPolicyRules: KindRules = {
  nameRule: "subdomain",
  firstStatus: firstPolicyStatus,
  nextStatus: nextPolicyStatus,
  validate(object) {
    const spec = specOf(object) as unknown as ValidatingAdmissionPolicySpec;
    const { auditAnnotations = [], validations = [] } = spec;
    const language = policyLanguage(spec);
    const empty = "validations or auditAnnotations must contain at least one item";
    return [
      ...commonCauses(spec, language),
      ...(validations.length + auditAnnotations.length === 0
        ? [required("spec.validations", empty), required("spec.auditAnnotations", empty)]
        : []),
      ...validations.flatMap((each, at) =>
        validationCauses(`spec.validations[${at}]`, each, language.expressions),
      ),
      ...annotationCauses("spec.auditAnnotations", auditAnnotations, language.expressions),
    ];
  },
};

/** What both kinds of policies say. */
export function commonCauses(
  spec: Omit<MutatingAdmissionPolicySpec, "reinvocationPolicy">,
  language: PolicyLanguage,
): Causes {
  const { matchConditions = [], matchConstraints, paramKind, variables = [] } = spec;
  return [
    ...paramKindCauses("spec.paramKind", paramKind),
    ...constraintCauses("spec.matchConstraints", matchConstraints),
    ...oneOf("spec.failurePolicy", spec.failurePolicy, ["Fail", "Ignore"]),
    ...conditionCauses("spec.matchConditions", matchConditions, language.conditions),
    ...variableCauses("spec.variables", variables, language),
  ];
}

function paramKindCauses(path: string, kind: ParamKind | undefined): Causes {
  if (kind === undefined) return [];
  return [
    ...nonEmpty(`${path}.apiVersion`, kind.apiVersion),
    ...nonEmpty(`${path}.kind`, kind.kind),
  ];
}

function constraintCauses(path: string, resources: MatchResources | undefined): Causes {
  if (resources === undefined) return [required(path)];
  const rules = resources.resourceRules ?? [];
  return [
    ...matchResourceCauses(path, resources),
    ...(rules.length === 0 ? [required(`${path}.resourceRules`)] : []),
  ];
}

export function matchResourceCauses(path: string, resources: MatchResources): Causes {
  const { excludeResourceRules = [], matchPolicy, resourceRules = [] } = resources;
  return [
    ...oneOf(`${path}.matchPolicy`, matchPolicy, ["Equivalent", "Exact"]),
    ...labelSelector(resources.namespaceSelector, `${path}.namespaceSelector`),
    ...labelSelector(resources.objectSelector, `${path}.objectSelector`),
    ...resourceRules.flatMap((rule, at) => ruleCauses(`${path}.resourceRules[${at}]`, rule)),
    ...excludeResourceRules.flatMap((rule, at) =>
      ruleCauses(`${path}.excludeResourceRules[${at}]`, rule),
    ),
  ];
}

function variableCauses(
  path: string,
  variables: readonly Variable[],
  { variables: compiled }: PolicyLanguage,
): Causes {
  const isTwice = repeats(variables.map(({ name }) => name));
  return variables.flatMap(({ expression, name }, at) => {
    const here = `${path}[${at}]`;
    const result = compiled[at]?.compiled;
    const error = result === undefined || result.ok ? undefined : result.error;
    return [
      ...(IDENTIFIER.test(name)
        ? []
        : [invalid(`${here}.name`, name, "name is not a valid CEL identifier")]),
      ...(isTwice[at] ? [duplicate(`${here}.name`, name)] : []),
      ...(error === undefined
        ? []
        : [invalid(`${here}.expression`, expression, `compilation failed: ${error}`)]),
    ];
  });
}

function validationCauses(
  path: string,
  { expression, message, messageExpression, reason }: Validation,
  declarations: Declarations,
): Causes {
  const trimmed = (message ?? "").trim();
  return [
    ...expressionCauses(`${path}.expression`, expression, { declarations, types: ["bool"] }),
    ...(message !== undefined && message !== "" && trimmed === ""
      ? [invalid(`${path}.message`, message, "message must be non-empty if specified")]
      : []),
    ...(trimmed.includes("\n")
      ? [invalid(`${path}.message`, message, "message must not contain line breaks")]
      : []),
    ...(messageExpression
      ? expressionCauses(`${path}.messageExpression`, messageExpression, {
          declarations,
          types: ["string"],
        })
      : []),
    ...oneOf(`${path}.reason`, reason, REASONS),
  ];
}

function annotationCauses(
  path: string,
  annotations: readonly AuditAnnotation[],
  declarations: Declarations,
): Causes {
  const isTwice = repeats(annotations.map(({ key }) => key));
  return annotations.flatMap(({ key, valueExpression }, at) => [
    ...nonEmpty(`${path}[${at}].key`, key),
    ...named(`${path}[${at}].key`, key, labelKeyProblem),
    ...(isTwice[at] ? [duplicate(`${path}[${at}].key`, key)] : []),
    ...expressionCauses(`${path}[${at}].valueExpression`, valueExpression, {
      declarations,
      types: ["string", "null"],
    }),
  ]);
}

export const validatingBindingRules: KindRules = {
  nameRule: "subdomain",
  validate(object: JsonObject): Causes {
    const spec = specOf(object) as unknown as ValidatingAdmissionPolicyBindingSpec;
    const { validationActions: actions = [] } = spec;
    const path = "spec.validationActions";
    const isTwice = repeats(actions);
    const both =
      "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)";
    return [
      ...bindingCauses(spec),
      ...(actions.length === 0
        ? [required(path, "at least one validation action is required")]
        : []),
      ...actions.flatMap((action, at) => [
        ...requiredOneOf(`${path}[${at}]`, action, ACTIONS),
        ...(isTwice[at] ? [duplicate(`${path}[${at}]`, action)] : []),
      ]),
      ...(actions.includes("Deny") && actions.includes("Warn")
        ? [invalid(path, actions, both)]
        : []),
    ];
  },
};

/** What both kinds of bindings say. */
export function bindingCauses(
  spec: Omit<ValidatingAdmissionPolicyBindingSpec, "validationActions">,
): Causes {
  const { matchResources, paramRef, policyName } = spec;
  return [
    ...nonEmpty("spec.policyName", policyName),
    ...named("spec.policyName", policyName, subdomainProblem),
    ...paramRefCauses("spec.paramRef", paramRef),
    ...(matchResources === undefined
      ? []
      : matchResourceCauses("spec.matchResources", matchResources)),
  ];
}

function paramRefCauses(path: string, paramRef: ParamRef | undefined): Causes {
  if (paramRef === undefined) return [];
  const { name, parameterNotFoundAction: action, selector } = paramRef;
  const given = givenOf({ name: name === "" ? undefined : name, selector }, ["name", "selector"]);
  return [
    ...conflicting(path, ["name", "selector"], given),
    ...named(`${path}.name`, name, subdomainProblem),
    ...labelSelector(selector, `${path}.selector`),
    ...(action === undefined
      ? [required(`${path}.parameterNotFoundAction`)]
      : ["Allow", "Deny"].includes(action)
        ? []
        : [unsupported(`${path}.parameterNotFoundAction`, action, ["Allow", "Deny"])]),
  ];
}
