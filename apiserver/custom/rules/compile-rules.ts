/** All rules of a schema, each with the values that it is about. */
import { isDeepStrictEqual } from "node:util";
import { Optional } from "@marcbachmann/cel-js";
import type { JsonValue } from "#lib/json";
import type { StatusCause } from "#lib/status-error";
import type { Declarations } from "../../cel/environment.ts";
import type { Budget } from "../../cel/program.ts";
import { type Causes, forbidden, invalid } from "../../rules/causes.ts";
import { keysOf } from "../schema/check-lists.ts";
import { below, isList, isObject, propertiesOf, type Schema, valuesOf } from "../schema/schema.ts";
import { type CompiledRule, compileRule, tryRule } from "./compile-rule.ts";
import { escapedName } from "./escaped-name.ts";
import { type Shape, shapeOf } from "./shape.ts";

/** Gives false once the budget is spent: nothing more is tried then. */
export type RuleCheck = (
  value: JsonValue,
  old: JsonValue | undefined,
  path: string,
  run: { readonly budget: Budget; readonly causes: StatusCause[] },
) => boolean;

export interface CompiledRules {
  /** Undefined when there are no rules. */
  readonly check: RuleCheck | undefined;
  readonly problems: Causes;
}

/** Rules in one version's schema; each takes a fraction of a millisecond to compile. */
const RULES_MAX = 1_000;

export function compileRules(schema: Schema, path: string): CompiledRules {
  const compiler = new RulesCompiler();
  const check = compiler.visit(schema, {
    path,
    name: "Object",
    isRoot: true,
    isCorrelatable: true,
  });
  return { check, problems: compiler.problems };
}

interface Place {
  readonly path: string;
  readonly name: string;
  readonly isRoot: boolean;
  readonly isCorrelatable: boolean;
}

class RulesCompiler {
  readonly problems: StatusCause[] = [];
  #count = 0;

  visit(schema: Schema, place: Place): RuleCheck | undefined {
    const own = this.#own(schema, place);
    const inner = this.#fields(schema, place) ?? this.#items(schema, place);
    if (own === undefined || inner === undefined) return own ?? inner;
    return (value, old, path, run) => own(value, old, path, run) && inner(value, old, path, run);
  }

  #own(schema: Schema, { isCorrelatable, isRoot, name, path }: Place): RuleCheck | undefined {
    const given = schema["x-kubernetes-validations"] ?? [];
    if (given.length === 0) return undefined;
    const at = `${path}.x-kubernetes-validations`;
    this.#count += given.length;
    if (this.#count > RULES_MAX) {
      this.problems.push(forbidden(at, `a schema may have ${RULES_MAX} rules at most`));
      return undefined;
    }
    const shape = shapeOf(schema, name, isRoot);
    const always = declarationsOf(shape, shape.type);
    const optional = declarationsOf(shape, `optional<${shape.type}>`);
    const rules = given.flatMap((rule, index): readonly CompiledRule[] => {
      const here = `${at}[${index}]`;
      this.problems.push(...fieldPathProblems(schema, rule.fieldPath, `${here}.fieldPath`));
      const declarations = rule.optionalOldSelf ? optional : always;
      const compiled = compileRule(rule, { declarations, path: here, isCorrelatable });
      if (!("problems" in compiled)) return [compiled];
      this.problems.push(...compiled.problems);
      return [];
    });
    return ownCheck(rules, shape);
  }

  #fields(schema: Schema, place: Place): RuleCheck | undefined {
    const fields = new Map<string, RuleCheck>();
    for (const [name, field] of propertiesOf(schema)) {
      const check = this.visit(field, {
        path: `${place.path}.properties[${name}]`,
        name: `${place.name}.${escapedName(name) ?? "field"}`,
        isRoot: false,
        isCorrelatable: place.isCorrelatable,
      });
      if (check !== undefined) fields.set(name, check);
    }
    const values = valuesOf(schema);
    const others =
      values === undefined || values === true
        ? undefined
        : this.visit(values, {
            path: `${place.path}.additionalProperties`,
            name: `${place.name}.values`,
            isRoot: false,
            isCorrelatable: place.isCorrelatable,
          });
    return fields.size === 0 && others === undefined ? undefined : fieldsCheck(fields, others);
  }

  #items({ items, ...schema }: Schema, place: Place): RuleCheck | undefined {
    if (items === undefined) return undefined;
    const keys =
      schema["x-kubernetes-list-type"] === "map"
        ? (schema["x-kubernetes-list-map-keys"] ?? [])
        : [];
    const check = this.visit(items, {
      path: `${place.path}.items`,
      name: `${place.name}.items`,
      isRoot: false,
      isCorrelatable: place.isCorrelatable && keys.length > 0,
    });
    return check === undefined ? undefined : itemsCheck(check, keys);
  }
}

function declarationsOf({ type, types }: Shape, oldType: string): Declarations {
  return { variables: { self: type, oldSelf: oldType }, types };
}

function ownCheck(rules: readonly CompiledRule[], shape: Shape): RuleCheck {
  return (value, old, path, { budget, causes }) => {
    if (value === null) return true;
    const before = old ?? undefined;
    const isSame = before !== undefined && isDeepStrictEqual(value, before);
    const tried = rules.filter((each) => isTried(each, before === undefined, isSame));
    if (tried.length === 0) return true;
    const self = shape.toCel(value);
    const oldSelf = before === undefined ? undefined : shape.toCel(before);
    return tried.every((each) => {
      const subject = { value, path, values: valuesFor(each, self, oldSelf) };
      if (tryRule(each, subject, budget, causes) !== "exhausted") return true;
      causes.push(invalid(path === "" ? "<nil>" : path, "", EXHAUSTED));
      return false;
    });
  };
}

const EXHAUSTED =
  "validation failed due to running out of cost budget, no further validation rules will be run";

/** What is as it was is not judged anew, so that a rule can be added under objects that exist. */
function isTried({ isTransition, rule }: CompiledRule, isNew: boolean, isSame: boolean): boolean {
  if (!isTransition) return !isSame;
  return !isNew || rule.optionalOldSelf === true;
}

function valuesFor(
  { rule }: CompiledRule,
  self: unknown,
  oldSelf: unknown,
): Readonly<Record<string, unknown>> {
  if (rule.optionalOldSelf !== true) return oldSelf === undefined ? { self } : { self, oldSelf };
  return { self, oldSelf: oldSelf === undefined ? Optional.none() : Optional.of(oldSelf) };
}

function fieldsCheck(
  fields: ReadonlyMap<string, RuleCheck>,
  others: RuleCheck | undefined,
): RuleCheck {
  return (value, old, path, run) => {
    if (!isObject(value)) return true;
    const before = isObject(old) ? old : {};
    return Object.entries(value).every(([name, item]) => {
      const check = fields.get(name) ?? others;
      const oldItem = Object.hasOwn(before, name) ? before[name] : undefined;
      return check === undefined || check(item, oldItem, below(path, name), run);
    });
  };
}

function itemsCheck(check: RuleCheck, keys: readonly string[]): RuleCheck {
  const idOf = (item: JsonValue): string => JSON.stringify(keysOf(item, keys));
  return (value, old, path, run) => {
    if (!isList(value)) return true;
    const before = new Map(
      keys.length > 0 && isList(old) ? old.map((item) => [idOf(item), item]) : [],
    );
    return value.every((item, at) => check(item, before.get(idOf(item)), `${path}[${at}]`, run));
  };
}

/** `.spec.replicas`, `['a-b']`: of fields that the schema names. */
function fieldPathProblems(schema: Schema, fieldPath: string | undefined, at: string): Causes {
  if (fieldPath === undefined || fieldPath === "") return [];
  const steps = [...fieldPath.matchAll(/\.([A-Za-z_][A-Za-z0-9_-]*)|\['([^']+)'\]/g)];
  const isWhole = steps.map(([text]) => text).join("") === fieldPath;
  let field: Schema | undefined = isWhole && steps.length > 0 ? schema : undefined;
  for (const [, plain, quoted] of steps) {
    const values: Schema | true | undefined = field === undefined ? undefined : valuesOf(field);
    field = field?.properties?.[plain ?? quoted ?? ""] ?? (values === true ? undefined : values);
  }
  if (field !== undefined) return [];
  return [invalid(at, fieldPath, "fieldPath must be a valid path of fields that the schema names")];
}
