import type { ASTNode } from "@marcbachmann/cel-js";
import { eachNode, type Node } from "./nodes.ts";
import type { Budget } from "./program.ts";

/** So many characters or bytes cost what one step costs. */
const BYTES_PER_STEP = 16;

/** Thrown again and again once the budget is spent: it has no stack, so that even that is cheap. */
const EXHAUSTED = new RangeError("CEL budget exceeded");
EXHAUSTED.stack = "";

/**
 * Counts what an expression does while it runs. Without loops, an expression takes no more steps than it has nodes; so
 * it counts each turn of a loop, by the nodes in it, and each operand, by its size.
 */
export class Meter {
  #budget: Budget = { remaining: 0 };

  constructor(ast: ASTNode) {
    eachNode(ast, (node) => this.#hook(node));
  }

  get isExhausted(): boolean {
    return this.#budget.remaining < 0;
  }

  start(budget: Budget): void {
    this.#budget = budget;
  }

  #spend(steps: number): void {
    this.#budget.remaining -= steps;
    if (this.#budget.remaining < 0) throw EXHAUSTED;
  }

  #hook(node: Node): void {
    const { handle } = node;
    if (node.op === "comprehension") this.#countTurns((node.args as { step: Node }).step);
    else if (handle !== undefined) {
      node.handle = (...operands) => {
        this.#spend(sizeOf(operands[0]) + sizeOf(operands[1]));
        return handle(...operands);
      };
    }
  }

  #countTurns(step: Node): void {
    let weight = 0;
    eachNode(step, () => weight++);
    const { evaluate } = step.meta;
    step.meta.evaluate = (evaluator, node, context) => {
      this.#spend(weight);
      return evaluate(evaluator, node, context);
    };
  }
}

/** What going once over a value costs; a call's operands come in a list of their own. */
function sizeOf(value: unknown, depth = 0): number {
  if (typeof value === "string") return 1 + value.length / BYTES_PER_STEP;
  if (value instanceof Uint8Array) return 1 + value.length / BYTES_PER_STEP;
  if (!Array.isArray(value)) return 1;
  if (depth > 0) return 1 + value.length;
  return value.reduce<number>((sum, each) => sum + sizeOf(each, 1), 1 + value.length);
}
