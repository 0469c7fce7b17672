/** What a policy's expressions read that the kinds it is about do not have: its status tells. */
import { isDeepStrictEqual } from "node:util";
import { schemaOf } from "#codec";
import type { JsonObject, JsonValue } from "#lib/json";
import type { ExpressionWarning, ValidatingAdmissionPolicy } from "#proto/admissionregistration/v1";
import { apiVersionOf, RESOURCES, type Resource } from "#resources";
import { checkFields, type Shape, UNKNOWN } from "../../cel/field-check.ts";
import { type PolicyLanguage, policyLanguage } from "../../cel/policy.ts";
import { type Compiled, compile } from "../../cel/program.ts";

type Spec = NonNullable<ValidatingAdmissionPolicy["spec"]>;

/** A policy that is about more kinds is checked against these; Kubernetes' bound. */
const KINDS_MAX = 10;

export function firstPolicyStatus(object: JsonObject): JsonObject {
  return statusOf(object, 1);
}

/** Checked anew when what is wanted has changed. */
export function nextPolicyStatus(object: JsonObject, old: JsonObject): JsonObject {
  const status = (old["status"] ?? {}) as JsonObject;
  if (isDeepStrictEqual(object["spec"], old["spec"])) return status;
  const { generation = 0 } = old["metadata"] as { readonly generation?: number };
  return { ...status, ...statusOf(object, generation + 1) };
}

function statusOf(object: JsonObject, observedGeneration: number): JsonObject {
  const warnings = warningsOf((object["spec"] ?? {}) as unknown as Spec);
  const typeChecking = warnings.length === 0 ? {} : { expressionWarnings: warnings };
  return { observedGeneration, typeChecking: typeChecking as unknown as JsonValue };
}

function warningsOf(spec: Spec): readonly ExpressionWarning[] {
  const kinds = kindsOf(spec);
  const language = policyLanguage(spec);
  return expressionsOf(spec, language).flatMap(({ compiled, fieldRef }) => {
    const found = kinds.flatMap((kind) => warningFor(kind, compiled));
    return found.length === 0 ? [] : [{ fieldRef, warning: found.join("\n") }];
  });
}

function expressionsOf(spec: Spec, { expressions, variables }: PolicyLanguage) {
  return [
    ...variables.map(({ compiled }, at) => ({
      fieldRef: `spec.variables[${at}].expression`,
      compiled,
    })),
    ...(spec.validations ?? []).flatMap(({ expression, messageExpression }, at) => [
      {
        fieldRef: `spec.validations[${at}].expression`,
        compiled: compile(expression, expressions),
      },
      ...(messageExpression
        ? [
            {
              fieldRef: `spec.validations[${at}].messageExpression`,
              compiled: compile(messageExpression, expressions),
            },
          ]
        : []),
    ]),
  ];
}

/** The built-in kinds that the rules name; a star names too many to be told about. */
function kindsOf({ matchConstraints }: Spec): readonly Resource[] {
  const rules = matchConstraints?.resourceRules ?? [];
  const named = RESOURCES.filter((resource) =>
    rules.some(
      ({ apiGroups = [], apiVersions = [], resources = [] }) =>
        apiGroups.includes(resource.group) &&
        apiVersions.includes(resource.version) &&
        resources.includes(resource.plural),
    ),
  );
  return named.slice(0, KINDS_MAX);
}

function warningFor(resource: Resource, compiled: Compiled): readonly string[] {
  if (!compiled.ok) return [];
  const { expression, run } = compiled.program;
  const { undefinedFields } = checkFields(run.ast, namesFor(resource));
  if (undefinedFields.length === 0) return [];
  const errors = undefinedFields.map(
    ({ at, name }) =>
      `ERROR: <input>:1:${at + 1}: undefined field '${name}'\n | ${expression}\n | ${".".repeat(at)}^`,
  );
  return [`${apiVersionOf(resource)}, Kind=${resource.kind}: ${errors.join("\n")}`];
}

function namesFor(resource: Resource): Readonly<Record<string, Shape>> {
  const message = schemaOf(apiVersionOf(resource), resource.kind);
  const object: Shape =
    message === undefined ? UNKNOWN : { kind: "message", message, more: ["apiVersion", "kind"] };
  return { object, oldObject: object };
}
