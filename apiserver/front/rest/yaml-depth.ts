import { JSON_DEPTH_MAX } from "#codec";

/** A scalar's text follows this mark of the lexer's. */
const SCALAR = "\u001f";

const FLOW: ReadonlyMap<string, number> = new Map([
  ["[", 1],
  ["{", 1],
  ["]", -1],
  ["}", -1],
]);

/**
 * Whether so many lists and maps are opened in one another that the parser, which descends by recursion, would spend seconds
 * before it runs out of stack. From the lexemes, up to the one that goes too deep. Nesting by indentation needs so much text
 * that the bound on the body bounds it.
 */
export function opensTooDeep(lexemes: Iterable<string>): boolean {
  let flow = 0;
  let inLine = 0;
  let isText = false;
  for (const lexeme of lexemes) {
    if (!isText) {
      flow += FLOW.get(lexeme) ?? 0;
      if (lexeme === "-" || lexeme === "?") inLine++;
      else if (lexeme.includes("\n")) inLine = 0;
      if (Math.max(flow, inLine) > JSON_DEPTH_MAX) return true;
    }
    isText = lexeme === SCALAR && !isText;
  }
  return false;
}

/** Fewer cannot nest too deep: most bodies need no second look. */
export function mayOpenTooDeep(text: string): boolean {
  let count = 0;
  for (const _ of text.matchAll(/[[{?]|-\s/g)) if (++count > JSON_DEPTH_MAX) return true;
  return false;
}
