import type { MatchCondition } from "#proto/admissionregistration/v1";
import type { Declarations } from "../../cel/environment.ts";
import { type Compiled, compile } from "../../cel/program.ts";
import type { Scene, Values } from "./scene.ts";

/** Kubernetes' budget for all conditions of one webhook or policy. */
const BUDGET = 2_500_000;

export interface Condition {
  readonly name: string;
  readonly compiled: Compiled;
}

export function conditionsOf(
  given: readonly MatchCondition[] | undefined,
  declarations: Declarations,
): readonly Condition[] {
  return (given ?? []).map(({ expression, name }) => ({
    name,
    compiled: compile(expression, declarations),
  }));
}

export type ConditionVerdict =
  | { readonly matches: boolean }
  /** None is false, and some could not be told. */
  | { readonly error: string };

/** All must be true; one that is false decides, whatever the others could not tell. */
export async function conditionsMatch(
  conditions: readonly Condition[],
  scene: Scene,
  more: Values = {},
): Promise<ConditionVerdict> {
  const errors: string[] = [];
  const budget = { remaining: BUDGET };
  for (const { compiled, name } of conditions) {
    if (!compiled.ok) {
      errors.push(`expression of "${name}" resulted in error: ${compiled.error}`);
      continue;
    }
    const result = await scene.evaluate(compiled.program, budget, () => more);
    if (result.ok && result.value === false) return { matches: false };
    const { expression } = compiled.program;
    if (!result.ok) errors.push(`expression '${expression}' resulted in error: ${result.error}`);
    else if (result.value !== true)
      errors.push(`expression '${expression}' resulted in error: it gives no bool`);
  }
  if (errors.length === 0) return { matches: true };
  return { error: errors.length === 1 ? (errors[0] ?? "") : `[${errors.join(", ")}]` };
}
