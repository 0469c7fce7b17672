/** The tree of a parsed expression, with the hooks that the library leaves on each node but does not declare. */
import type { ASTNode } from "@marcbachmann/cel-js";

export interface Node {
  readonly op: string;
  readonly args: unknown;
  /** What a macro became; how the node is evaluated. */
  readonly meta: { readonly alternate?: Node; macro?: unknown; evaluate: Evaluate };
  /** Computes the result from the operands, for operators and calls. */
  handle?: (...operands: unknown[]) => unknown;
}

type Evaluate = (evaluator: unknown, node: unknown, context: unknown) => unknown;

/** Visits every node once, though macros put some in several places. */
export function eachNode(root: ASTNode | Node, visit: (node: Node) => void): void {
  const seen = new Set<Node>();
  const walk = (node: Node): void => {
    if (seen.has(node)) return;
    seen.add(node);
    visit(node);
    for (const child of children(node)) walk(child);
  };
  walk(root as unknown as Node);
}

/** The identifiers that an expression names, whoever declared them. */
export function namesOf(root: ASTNode): ReadonlySet<string> {
  const names = new Set<string>();
  eachNode(root, ({ args, op }) => {
    if (op === "id") names.add(String(args));
  });
  return names;
}

function children(node: Node): readonly Node[] {
  const found: Node[] = [];
  collect(node.meta.alternate ?? node.args, found);
  return found;
}

function collect(value: unknown, into: Node[]): void {
  if (Array.isArray(value)) for (const each of value) collect(each, into);
  else if (isNode(value)) into.push(value);
  else if (isPlain(value)) for (const each of Object.values(value)) collect(each, into);
}

function isNode(value: unknown): value is Node {
  const node = value as Partial<Node> | null | undefined;
  return typeof node?.op === "string" && node.meta !== undefined;
}

function isPlain(value: unknown): value is object {
  return typeof value === "object" && value?.constructor === Object;
}
