/** One policy with one parameter about one request: its expressions and the values that they see. */
import type { JsonObject } from "#lib/json";
import { VariableValues } from "../../cel/policy.ts";
import { type Budget, type Compiled, type Evaluated, evaluate } from "../../cel/program.ts";
import { celValueOf } from "../../cel/values.ts";
import { type ConditionVerdict, conditionsMatch } from "../matching/conditions.ts";
import type { Scene } from "../matching/scene.ts";
import type { Param } from "./params.ts";
import type { Policy } from "./policy.ts";

/** Kubernetes' budget for all expressions of one policy about one request. */
const BUDGET = 10_000_000;

export class Evaluation {
  readonly #policy: Policy;
  readonly #scene: Scene;
  readonly #budget: Budget = { remaining: BUDGET };
  readonly #given: Readonly<Record<string, unknown>>;

  constructor(
    policy: Policy,
    scene: Scene,
    given: { readonly param: Param; readonly namespace: JsonObject | undefined },
  ) {
    this.#policy = policy;
    this.#scene = scene;
    this.#given = {
      namespaceObject: given.namespace === undefined ? null : celValueOf(given.namespace),
      ...(policy.paramKind === undefined
        ? {}
        : { params: given.param === undefined ? null : celValueOf(given.param) }),
    };
  }

  conditions(): Promise<ConditionVerdict> {
    return conditionsMatch(this.#policy.conditions, this.#scene, this.#given);
  }

  /** An error names the expression. */
  async run(expression: string, compiled: Compiled): Promise<Evaluated> {
    const result = compiled.ok
      ? await this.#scene.evaluate(compiled.program, this.#budget, (values) => ({
          ...this.#given,
          variables: this.#variables({ ...values, ...this.#given }),
        }))
      : { ok: false as const, error: compiled.error, isExhausted: false };
    if (result.ok) return result;
    return { ...result, error: `expression '${expression}' resulted in error: ${result.error}` };
  }

  /** Each evaluated when it is read, and then kept. */
  #variables(values: Readonly<Record<string, unknown>>): VariableValues {
    const variables = new VariableValues();
    const seen = { ...values, variables };
    for (const { compiled, name } of this.#policy.language.variables)
      Object.defineProperty(variables, name, {
        configurable: true,
        enumerable: true,
        get: () => {
          const value = this.#valueOf(name, compiled, seen);
          Object.defineProperty(variables, name, { value, enumerable: true });
          return value;
        },
      });
    return variables;
  }

  #valueOf(name: string, compiled: Compiled, values: Readonly<Record<string, unknown>>): unknown {
    const result = compiled.ok ? evaluate(compiled.program, values, this.#budget) : compiled;
    if (result.ok) return result.value;
    throw new Error(`composited variable "${name}" fails to evaluate: ${result.error}`);
  }
}
