import type {
  MutatingAdmissionPolicySpec,
  ParamKind,
  ParamRef,
  ValidatingAdmissionPolicyBinding,
} from "#proto/admissionregistration/v1";
import { type PolicyLanguage, policyLanguage } from "../../cel/policy.ts";
import { type Condition, conditionsOf } from "../matching/conditions.ts";
import { type Scope, scopeOf } from "../matching/scope.ts";

/** What policies of both kinds have. */
export interface Policy {
  readonly name: string;
  readonly scope: Scope;
  readonly conditions: readonly Condition[];
  readonly language: PolicyLanguage;
  readonly paramKind?: ParamKind;
  /** Whether a request goes on without the policy when an expression of it fails. */
  readonly isOptional: boolean;
}

export interface Binding {
  readonly name: string;
  readonly policyName: string;
  readonly scope: Scope;
  readonly paramRef?: ParamRef;
  /** Empty for those of mutating policies. */
  readonly actions: readonly string[];
}

type CommonSpec = Pick<
  MutatingAdmissionPolicySpec,
  "failurePolicy" | "matchConditions" | "matchConstraints" | "paramKind" | "variables"
>;

export function policyOf(name: string, spec: CommonSpec): Policy {
  const { failurePolicy, matchConditions, matchConstraints, paramKind } = spec;
  const language = policyLanguage(spec);
  return {
    name,
    language,
    scope: scopeOf(matchConstraints),
    conditions: conditionsOf(matchConditions, language.conditions),
    isOptional: failurePolicy === "Ignore",
    ...(paramKind === undefined ? {} : { paramKind }),
  };
}

/** Of both kinds. */
export function bindingOf({ metadata, spec }: ValidatingAdmissionPolicyBinding): Binding {
  const { matchResources, paramRef, policyName = "", validationActions = [] } = spec;
  return {
    name: metadata.name,
    policyName,
    scope: scopeOf(matchResources),
    actions: validationActions,
    ...(paramRef === undefined ? {} : { paramRef }),
  };
}
