import type { JsonObject } from "#lib/json";
import type {
  MutatingAdmissionPolicyBindingSpec,
  MutatingAdmissionPolicySpec,
  Mutation,
} from "#proto/admissionregistration/v1";
import type { Declarations } from "../../cel/environment.ts";
import { policyLanguage } from "../../cel/policy.ts";
import { structsAsMaps } from "../../cel/struct-literals.ts";
import { type Causes, forbidden, invalid, required } from "../causes.ts";
import { requiredOneOf } from "../checks.ts";
import { type KindRules, specOf } from "../kind-rules.ts";
import { expressionCauses } from "./matching.ts";
import { bindingCauses, commonCauses } from "./policies.ts";

const PATCH_TYPES = ["ApplyConfiguration", "JSONPatch"];

export const mutatingPolicyRules: KindRules = {
  nameRule: "subdomain",
  complete: (object) => ({ ...object, spec: { failurePolicy: "Fail", ...specOf(object) } }),
  validate(object: JsonObject): Causes {
    const spec = specOf(object) as unknown as MutatingAdmissionPolicySpec;
    const { matchConstraints, mutations = [], reinvocationPolicy } = spec;
    const language = policyLanguage(spec);
    const operations = (matchConstraints?.resourceRules ?? []).map((rule) => rule.operations ?? []);
    return [
      ...commonCauses(spec, language),
      ...operations.flatMap((each, at) =>
        each.includes("DELETE")
          ? [
              invalid(
                `spec.matchConstraints.resourceRules[${at}].operations`,
                each,
                "DELETE may not be matched: there is nothing to change",
              ),
            ]
          : [],
      ),
      ...(mutations.length === 0
        ? [required("spec.mutations", "mutations must contain at least one item")]
        : []),
      ...mutations.flatMap((each, at) =>
        mutationCauses(`spec.mutations[${at}]`, each, language.expressions),
      ),
      ...requiredOneOf("spec.reinvocationPolicy", reinvocationPolicy, ["IfNeeded", "Never"]),
    ];
  },
};

function mutationCauses(path: string, mutation: Mutation, declarations: Declarations): Causes {
  const { applyConfiguration, jsonPatch, patchType } = mutation;
  const wrongType = requiredOneOf(`${path}.patchType`, patchType, PATCH_TYPES);
  if (wrongType.length > 0) return wrongType;
  const isPatch = patchType === "JSONPatch";
  const [own, other] = isPatch
    ? (["jsonPatch", "applyConfiguration"] as const)
    : (["applyConfiguration", "jsonPatch"] as const);
  const wanted = isPatch ? jsonPatch : applyConfiguration;
  return [
    ...(mutation[other] === undefined
      ? []
      : [forbidden(`${path}.${other}`, `must not be specified when patchType is ${patchType}`)]),
    ...(wanted === undefined
      ? [required(`${path}.${own}`, `must be specified when patchType is ${patchType}`)]
      : expressionCauses(`${path}.${own}.expression`, wanted.expression, {
          declarations,
          types: isPatch ? ["list"] : ["map"],
          translate: structsAsMaps,
        })),
  ];
}

export const mutatingBindingRules: KindRules = {
  nameRule: "subdomain",
  validate: (object) =>
    bindingCauses(specOf(object) as unknown as MutatingAdmissionPolicyBindingSpec),
};
