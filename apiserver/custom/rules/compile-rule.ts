/** One rule of `x-kubernetes-validations`, compiled. */
import type { JsonValue } from "#lib/json";
import type { StatusCause } from "#lib/status-error";
import type { ValidationRule } from "#proto/apiextensions/v1";
import type { Declarations } from "../../cel/environment.ts";
import { namesOf } from "../../cel/nodes.ts";
import { type Budget, compile, evaluate, type Program } from "../../cel/program.ts";
import { type Causes, invalid, required, unsupported } from "../../rules/causes.ts";
import { typeNameOf } from "../schema/check.ts";

export interface CompiledRule {
  readonly rule: ValidationRule;
  readonly program: Program;
  readonly message: Program | undefined;
  /** About changes: it is tried only where there is an old value. */
  readonly isTransition: boolean;
}

export type RuleOutcome = "fits" | "unfit" | "exhausted";

const REASONS = [
  "FieldValueDuplicate",
  "FieldValueForbidden",
  "FieldValueInvalid",
  "FieldValueRequired",
];
const MESSAGE_BYTES_MAX = 5 * 1024;

export interface RulePlace {
  readonly declarations: Declarations;
  /** Of the rule. */
  readonly path: string;
  /** Whether an old value can be found for each value here. */
  readonly isCorrelatable: boolean;
}

export function compileRule(
  rule: ValidationRule,
  { declarations, isCorrelatable, path }: RulePlace,
): CompiledRule | { readonly problems: Causes } {
  if (rule.rule.trim() === "")
    return { problems: [required(`${path}.rule`, "rule is not specified")] };
  const compiled = compile(rule.rule, declarations);
  if (!compiled.ok)
    return {
      problems: [invalid(`${path}.rule`, rule.rule, `compilation failed: ${compiled.error}`)],
    };
  const { program } = compiled;
  const problems = [...formProblems(rule, path)];
  if (program.type !== "bool" && program.type !== "dyn")
    problems.push(invalid(`${path}.rule`, rule.rule, "must evaluate to a bool"));
  const isTransition = namesOf(program.run.ast).has("oldSelf");
  if (isTransition && !isCorrelatable) {
    const why = "oldSelf cannot be used on the uncorrelatable portion of the schema";
    problems.push(invalid(`${path}.rule`, rule.rule, why));
  }
  const message = compileMessage(rule, declarations);
  if (message !== undefined && "error" in message)
    problems.push(invalid(`${path}.messageExpression`, rule.messageExpression, message.error));
  if (problems.length > 0) return { problems };
  return { rule, program, message: message as Program | undefined, isTransition };
}

function formProblems({ message = "", reason }: ValidationRule, path: string): Causes {
  return [
    ...(message.includes("\n")
      ? [invalid(`${path}.message`, message, "message must not contain line breaks")]
      : []),
    ...(reason !== undefined && !REASONS.includes(reason)
      ? [unsupported(`${path}.reason`, reason, REASONS)]
      : []),
  ];
}

function compileMessage(
  { messageExpression = "" }: ValidationRule,
  declarations: Declarations,
): Program | { readonly error: string } | undefined {
  if (messageExpression === "") return undefined;
  const compiled = compile(messageExpression, declarations);
  if (!compiled.ok) return { error: `messageExpression compilation failed: ${compiled.error}` };
  const { type } = compiled.program;
  if (type === "string" || type === "dyn") return compiled.program;
  return { error: "messageExpression must evaluate to a string" };
}

export interface RuleSubject {
  readonly value: JsonValue;
  readonly path: string;
  /** `self`, `oldSelf` in CEL's shape. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** Adds what is wrong to the causes. */
export function tryRule(
  compiled: CompiledRule,
  subject: RuleSubject,
  budget: Budget,
  causes: StatusCause[],
): RuleOutcome {
  const { program, rule } = compiled;
  const result = evaluate(program, subject.values, budget);
  if (result.ok && result.value === true) return "fits";
  if (!result.ok && result.isExhausted) return "exhausted";
  const field = `${subject.path}${rule.fieldPath ?? ""}`.replace(/^\./, "") || "<nil>";
  const told = result.ok
    ? messageOf(compiled, subject, budget)
    : `${result.error} evaluating rule: ${defaultMessage(rule)}`;
  causes.push(causeOf(rule.reason ?? "FieldValueInvalid", field, subject.value, told));
  return "unfit";
}

function messageOf(
  { message, rule }: CompiledRule,
  { values }: RuleSubject,
  budget: Budget,
): string {
  if (message === undefined) return defaultMessage(rule);
  const result = evaluate(message, values, budget);
  const text = result.ok && typeof result.value === "string" ? result.value.trim() : "";
  const isWell = text !== "" && !text.includes("\n") && text.length <= MESSAGE_BYTES_MAX;
  return isWell ? text : defaultMessage(rule);
}

function defaultMessage({ message = "", rule }: ValidationRule): string {
  return message.trim() === "" ? `failed rule: ${rule.trim()}` : message.trim();
}

function causeOf(reason: string, field: string, value: JsonValue, told: string): StatusCause {
  const type = JSON.stringify(typeNameOf(value));
  switch (reason) {
    case "FieldValueForbidden":
      return { reason, field, message: `Forbidden: ${told}` };
    case "FieldValueRequired":
      return { reason, field, message: `Required value: ${told}` };
    case "FieldValueDuplicate":
      return { reason, field, message: `Duplicate value: ${type}` };
    default:
      return { reason, field, message: `Invalid value: ${type}: ${told}` };
  }
}
