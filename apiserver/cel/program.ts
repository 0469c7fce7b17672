/**
 * CEL as Kubernetes speaks it: expressions are compiled once against the types of what they may name, and evaluated within
 * a budget. https://kubernetes.io/docs/reference/using-api/cel/
 */
import type { Environment, ParseResult } from "@marcbachmann/cel-js";
import { type Declarations, environmentOf } from "./environment.ts";
import { replaceMatches } from "./functions/regular-expressions.ts";
import { replaceHas } from "./has.ts";
import { Meter } from "./meter.ts";

/** A checked expression. Its values may be evaluated any number of times, one after the other. */
export interface Program {
  readonly expression: string;
  /** The type of its result, as `bool`, `string`, `list<dyn>`; `dyn` where it is known only when it runs. */
  readonly type: string;
  readonly run: ParseResult;
  readonly meter: Meter;
}

export type Compiled =
  | { readonly ok: true; readonly program: Program }
  | { readonly ok: false; readonly error: string };

export type Evaluated =
  | { readonly ok: true; readonly value: unknown }
  /** `isExhausted`: the budget ran out, so what follows in the same request should not be tried either. */
  | { readonly ok: false; readonly error: string; readonly isExhausted: boolean };

/** Steps that are left for one request or one object; each evaluation takes from it. */
export interface Budget {
  remaining: number;
}

/** Longer than any rule that a person reads, so that compiling one stays cheap. */
const EXPRESSION_LENGTH_MAX = 32 * 1024;

/** Parses and checks; the error names the place in the expression. */
export function compile(expression: string, declarations: Declarations): Compiled {
  if (expression.trim() === "") return { ok: false, error: "the expression is empty" };
  if (expression.length > EXPRESSION_LENGTH_MAX) {
    const error = `the expression has more than ${EXPRESSION_LENGTH_MAX} characters`;
    return { ok: false, error };
  }
  return compileIn(environmentOf(declarations), expression);
}

function compileIn(environment: Environment, expression: string): Compiled {
  try {
    const run = environment.parse(expression);
    replaceMatches(run.ast);
    replaceHas(run.ast);
    const { valid, type, error } = run.check();
    if (!valid) return { ok: false, error: messageOf(error) };
    const program = { expression, type: known(type), run, meter: new Meter(run.ast) };
    return { ok: true, program };
  } catch (error) {
    return { ok: false, error: messageOf(error) };
  }
}

/** `values` are in CEL's shape (values.ts), by the names that were declared. */
export function evaluate(
  program: Program,
  values: Readonly<Record<string, unknown>>,
  budget: Budget,
): Evaluated {
  const { meter, run } = program;
  meter.start(budget);
  try {
    const value: unknown = run(values);
    return meter.isExhausted ? exhausted() : { ok: true, value };
  } catch (error) {
    return meter.isExhausted
      ? exhausted()
      : { ok: false, error: messageOf(error), isExhausted: false };
  }
}

/** A type parameter that nothing bound says no more than `dyn`. */
function known(type = "dyn"): string {
  return /^[A-Z]$/.test(type) ? "dyn" : type;
}

function exhausted(): Evaluated {
  const error =
    "the expression's cost exceeds its budget; bound the lists, maps and strings that it goes over";
  return { ok: false, error, isExhausted: true };
}

/** The first line; the rest draws the place in the expression, which a status message has no room for. */
function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  // The parser descends by recursion, and only some of what nests counts against its own bound.
  if (error instanceof RangeError && text.includes("call stack"))
    return "the expression nests too deeply";
  return text.split("\n", 1)[0] ?? text;
}
