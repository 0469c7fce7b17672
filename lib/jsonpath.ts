/**
 * kubectl's JSONPath templates: `{.items[*].metadata.name}`, `{range .items[*]}…{end}`, filters, slices, `..`, text in
 * between. https://kubernetes.io/docs/reference/kubectl/jsonpath/ is the rule.
 */
import type { JsonValue } from "#lib/json";
import {
  type Expression,
  JsonPathError,
  parseTemplate,
  type Step,
  type TemplatePart,
} from "./jsonpath-parse.ts";

/** Fills the template in. Missing fields print nothing, as with kubectl's --allow-missing-template-keys. */
export function renderJsonPath(template: string, value: JsonValue): string {
  return render(parseTemplate(template), { root: value, current: value });
}

/** The values that a path such as `{.status.phase}` or `.status.phase` leads to. */
export function evaluatePath(path: string, value: JsonValue): readonly JsonValue[] {
  return compilePath(path)(value);
}

/** The same for many values: the path is read once. Throws `JsonPathError`. */
export function compilePath(path: string): (value: JsonValue) => readonly JsonValue[] {
  const template = path.startsWith("{") ? path : `{${path.startsWith(".") ? path : `.${path}`}}`;
  const [part, ...rest] = parseTemplate(template);
  if (part?.kind !== "path" || rest.length > 0)
    throw new JsonPathError(`${path}: expected a single path`);
  return (value) => select(part.steps, { root: value, current: value });
}

interface Scope {
  readonly root: JsonValue;
  readonly current: JsonValue;
}

function render(parts: readonly TemplatePart[], scope: Scope): string {
  return parts.map((part) => renderPart(part, scope)).join("");
}

function renderPart(part: TemplatePart, scope: Scope): string {
  switch (part.kind) {
    case "text":
      return part.text;
    case "path":
      return select(part.steps, scope).map(printed).join(" ");
    case "range":
      return select(part.steps, scope)
        .map((current) => render(part.body, { root: scope.root, current }))
        .join("");
  }
}

function select(steps: readonly Step[], scope: Scope): readonly JsonValue[] {
  let found: readonly JsonValue[] = [scope.current];
  for (const step of steps) {
    found =
      step.kind === "root" ? [scope.root] : found.flatMap((value) => apply(step, value, scope));
  }
  return found;
}

function apply(
  step: Exclude<Step, { kind: "root" }>,
  value: JsonValue,
  scope: Scope,
): readonly JsonValue[] {
  switch (step.kind) {
    case "field": {
      const next =
        isObject(value) && Object.hasOwn(value, step.name) ? value[step.name] : undefined;
      return next === undefined ? [] : [next];
    }
    case "wildcard":
      return children(value);
    case "descend":
      return [value, ...descendants(value)];
    case "index": {
      if (!Array.isArray(value)) return [];
      const item = value.at(step.index) as JsonValue | undefined;
      return item === undefined ? [] : [item];
    }
    case "slice":
      return slice(value, step);
    case "union":
      return step.steps.flatMap((each) => apply(each, value, scope));
    case "filter":
      return children(value).filter((each) =>
        holds(step.expression, { root: scope.root, current: each }),
      );
  }
}

function slice(value: JsonValue, step: Extract<Step, { kind: "slice" }>): readonly JsonValue[] {
  if (!Array.isArray(value)) return [];
  const part = value.slice(step.from, step.to) as readonly JsonValue[];
  return part.filter((_, at) => at % step.every === 0);
}

function holds(expression: Expression, scope: Scope): boolean {
  const left = valuesOf(expression.left, scope);
  if (expression.operator === undefined) return left.length > 0;
  const right = valuesOf(expression.right, scope);
  const [a] = left;
  const [b] = right;
  if (a === undefined || b === undefined) return false;
  return compare(expression.operator, a, b);
}

function valuesOf(operand: Expression["left"], scope: Scope): readonly JsonValue[] {
  return operand.kind === "literal" ? [operand.value] : select(operand.steps, scope);
}

function compare(
  operator: NonNullable<Expression["operator"]>,
  a: JsonValue,
  b: JsonValue,
): boolean {
  switch (operator) {
    case "==":
      return a === b;
    case "!=":
      return a !== b;
    default:
      return typeof a === typeof b && ordered(operator, a as number, b as number);
  }
}

function ordered(operator: "<" | "<=" | ">" | ">=", a: number, b: number): boolean {
  switch (operator) {
    case "<":
      return a < b;
    case "<=":
      return a <= b;
    case ">":
      return a > b;
    case ">=":
      return a >= b;
  }
}

function children(value: JsonValue): readonly JsonValue[] {
  if (Array.isArray(value)) return value as readonly JsonValue[];
  return isObject(value) ? Object.values(value) : [];
}

function descendants(value: JsonValue): readonly JsonValue[] {
  return children(value).flatMap((child) => [child, ...descendants(child)]);
}

function printed(value: JsonValue): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function isObject(value: JsonValue): value is { readonly [key: string]: JsonValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
