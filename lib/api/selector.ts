/** Label and field selectors: as text in queries, as LabelSelector in objects. */
import type { LabelSelector } from "#proto/meta/v1";

export type Labels = Readonly<Record<string, string>>;
export type LabelMatcher = (labels: Labels | undefined) => boolean;

export type Requirement =
  | { readonly key: string; readonly operator: "Exists" | "DoesNotExist" }
  | { readonly key: string; readonly operator: "In" | "NotIn"; readonly values: readonly string[] }
  | { readonly key: string; readonly operator: "Gt" | "Lt"; readonly values: readonly string[] };

/** The selector's text is wrong. */
export class SelectorError extends Error {
  override readonly name = "SelectorError";
}

const NO_LABELS: Labels = {};
const NAME =
  /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const SET = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/;
const COMPARISON = /^([^\s=!<>]+)\s*(==|!=|=|<|>)\s*(\S*)$/;
const EXISTENCE = /^(!?)\s*(\S+)$/;
const OPERATORS = { "=": "In", "==": "In", "!=": "NotIn", ">": "Gt", "<": "Lt" } as const;

/** Parses `a=b,c!=d,e in (f,g),h,!i`. All requirements have to hold; "" has none. */
export function parseLabelSelector(text: string): readonly Requirement[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => check(parseRequirement(part), text));
}

/** A LabelSelector's requirements. */
export function labelSelectorRequirements(selector: LabelSelector): readonly Requirement[] {
  const labels = Object.entries(selector.matchLabels ?? {}).map(
    ([key, value]): Requirement => ({ key, operator: "In", values: [value] }),
  );
  const expressions = (selector.matchExpressions ?? []).map(
    ({ key, operator, values = [] }): Requirement =>
      operator === "Exists" || operator === "DoesNotExist"
        ? { key, operator }
        : // Validation admits no other operators.
          { key, operator: operator as "In" | "NotIn", values },
  );
  return [...labels, ...expressions];
}

/** A LabelSelector as a function. Undefined chooses nothing, an empty one everything: Kubernetes' rule. */
export function labelSelectorMatcher(selector: LabelSelector | undefined): LabelMatcher {
  if (selector === undefined) return () => false;
  return requirementsMatcher(labelSelectorRequirements(selector));
}

export function requirementsMatcher(requirements: readonly Requirement[]): LabelMatcher {
  // Nearly all selectors are a few equalities; those need no closures.
  const equalities = requirements.map((each) =>
    each.operator === "In" && each.values.length === 1
      ? ([each.key, each.values[0]] as const)
      : undefined,
  );
  if (equalities.every((each) => each !== undefined)) {
    return (labels = NO_LABELS) => equalities.every(([key, value]) => labels[key] === value);
  }
  return (labels = NO_LABELS) =>
    requirements.every((each) => holds(each, ownLabel(labels, each.key)));
}

/** `constructor` is a label like any other, and here only when somebody set it. */
export function ownLabel(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

/** The text that `parseLabelSelector` reads. */
export function formatRequirements(requirements: readonly Requirement[]): string {
  return requirements.map(formatRequirement).join(",");
}

export function labelSelectorToString(selector: LabelSelector): string {
  return formatRequirements(labelSelectorRequirements(selector));
}

function formatRequirement(requirement: Requirement): string {
  const { key, operator } = requirement;
  switch (operator) {
    case "Exists":
      return key;
    case "DoesNotExist":
      return `!${key}`;
    case "In":
    case "NotIn": {
      const [first = "", ...more] = requirement.values;
      if (more.length === 0) return `${key}${operator === "In" ? "=" : "!="}${first}`;
      return `${key} ${operator.toLowerCase()} (${requirement.values.join(",")})`;
    }
    case "Gt":
      return `${key}>${requirement.values[0]}`;
    case "Lt":
      return `${key}<${requirement.values[0]}`;
  }
}

function parseRequirement(text: string): Requirement {
  const set = SET.exec(text);
  if (set !== null) {
    const [, key = "", word, list = ""] = set;
    const values = list.split(",").map((value) => value.trim());
    return { key, operator: word === "in" ? "In" : "NotIn", values };
  }
  const comparison = COMPARISON.exec(text);
  if (comparison !== null) {
    const [, key = "", sign = "", value = ""] = comparison;
    return { key, operator: OPERATORS[sign as keyof typeof OPERATORS], values: [value] };
  }
  const existence = EXISTENCE.exec(text);
  if (existence === null)
    throw new SelectorError(`${JSON.stringify(text)} is no label requirement`);
  return { key: existence[2] ?? "", operator: existence[1] === "!" ? "DoesNotExist" : "Exists" };
}

function check(requirement: Requirement, text: string): Requirement {
  if (!NAME.test(requirement.key)) {
    throw new SelectorError(
      `label selector ${JSON.stringify(text)}: ${JSON.stringify(requirement.key)} is no label's name`,
    );
  }
  const wrong =
    "values" in requirement ? requirement.values.find((value) => !VALUE.test(value)) : undefined;
  if (wrong === undefined) return requirement;
  throw new SelectorError(
    `label selector ${JSON.stringify(text)}: ${JSON.stringify(wrong)} is no label's value`,
  );
}

function holds(requirement: Requirement, value: string | undefined): boolean {
  switch (requirement.operator) {
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "In":
      return value !== undefined && requirement.values.includes(value);
    case "NotIn":
      return value === undefined || !requirement.values.includes(value);
    case "Gt":
      return value !== undefined && Number(value) > Number(requirement.values[0]);
    case "Lt":
      return value !== undefined && Number(value) < Number(requirement.values[0]);
  }
}

/** One part of a field selector. */
export interface FieldRequirement {
  readonly field: string;
  readonly operator: "=" | "!=";
  readonly value: string;
}

/** Parses `metadata.name=web,status.phase!=Running`. A backslash keeps a comma, an equals sign or itself in a value. */
export function parseFieldSelector(text: string): readonly FieldRequirement[] {
  return text
    .split(/(?<!\\),/)
    .filter((part) => part.trim() !== "")
    .map((part) => {
      const [, field = "", sign = "", value = ""] =
        /^\s*([^=!\s]+)\s*(!=|==|=)\s*(.*)$/s.exec(part) ?? [];
      if (field === "") {
        throw new SelectorError(
          `field selector ${JSON.stringify(text)}: ${JSON.stringify(part)} is no requirement; write field=value`,
        );
      }
      return {
        field,
        operator: sign === "!=" ? "!=" : "=",
        value: value.replace(/\\([\\,=])/g, "$1"),
      };
    });
}
