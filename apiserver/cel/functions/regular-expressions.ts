import type { ASTNode, Environment } from "@marcbachmann/cel-js";
import { patternOf } from "#lib/pattern";
import { eachNode } from "../nodes.ts";

/** The name of a `matches` whose time is bounded. */
const MATCHES = "matchesWithinBounds";

/** `find` and `findAll`, and what stands for `matches`. */
export function addRegularExpressions(environment: Environment): void {
  const matches = (text: string, pattern: string) => patternOf(pattern).test(text);
  environment
    .registerFunction(`string.${MATCHES}(string): bool`, matches)
    .registerFunction("matches(string, string): bool", matches)
    .registerFunction(
      "string.find(string): string",
      (text: string, pattern: string) => patternOf(pattern).findAll(text, 1)[0] ?? "",
    )
    .registerFunction("string.findAll(string): list<string>", (text: string, pattern: string) => [
      ...patternOf(pattern).findAll(text),
    ])
    .registerFunction(
      "string.findAll(string, int): list<string>",
      (text: string, pattern: string, limit: bigint) => [
        ...patternOf(pattern).findAll(text, limit < 0n ? undefined : Number(limit)),
      ],
    );
}

/** The library's own `matches` backtracks without end, and cannot be registered anew: calls of it are renamed, unchecked as yet. */
export function replaceMatches(ast: ASTNode): void {
  eachNode(ast, (node) => {
    if (node.op !== "rcall") return;
    const call = node.args as unknown[];
    if (call[0] === "matches") call[0] = MATCHES;
  });
}
