import type { ASTNode } from "@marcbachmann/cel-js";
import { eachNode, type Node } from "./nodes.ts";

interface Checker {
  check(node: Node, context: unknown): unknown;
  getType(name: string): unknown;
  createError(code: string, message: string, node: Node): Error;
}

interface Evaluator {
  run(node: Node, context: unknown): unknown;
  debugType(value: unknown): {
    fieldLazy(value: unknown, name: string, node: Node, evaluator: Evaluator): unknown;
  };
}

/** The library takes only fields of fields of a variable in `has()`. CEL takes a field of any expression: `has(a[0].b)`. */
export function replaceHas(ast: ASTNode): void {
  eachNode(ast, (node) => {
    if (node.op !== "call") return;
    const [name, operands] = node.args as readonly [string, readonly Node[]];
    const [field] = operands;
    if (name === "has" && field?.op === ".") node.meta.macro = hasField(field);
  });
}

function hasField(field: Node) {
  const [object, name] = field.args as readonly [Node, string];
  return {
    async: false,
    typeCheck(checker: Checker, _macro: unknown, context: unknown): unknown {
      checker.check(field, context);
      return checker.getType("bool");
    },
    evaluate(evaluator: Evaluator, _macro: unknown, context: unknown): boolean {
      const value = evaluator.run(object, context);
      return evaluator.debugType(value).fieldLazy(value, name, field, evaluator) !== undefined;
    },
  };
}
