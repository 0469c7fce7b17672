/** How much a JSON text holds, by one pass over its characters: before anybody pays for parsing it, and walking what comes out. */
import { JSON_DEPTH_MAX } from "./depth.ts";
import type { Problem } from "./problem.ts";

/**
 * Fields, objects and lists of one body. Each costs some microseconds on its way to the store, during which nobody else is
 * served. In Kubernetes etcd's bound of 1.5 MB has the same effect: with its share of the managed fields a field takes 25
 * bytes there, if its name is a short one.
 */
export const JSON_PARTS_MAX = 65_536;

export interface Extent {
  readonly fields: number;
  /** Objects and lists. */
  readonly containers: number;
  /** How many of those stand in one another. */
  readonly depth: number;
}

const QUOTE = 34;
const COLON = 58;
const OPEN_LIST = 91;
const BACKSLASH = 92;
const CLOSE_LIST = 93;
const OPEN = 123;
const CLOSE = 125;

/** Says nothing of whether the text is JSON. */
export function extentOf(text: string): Extent {
  let fields = 0;
  let containers = 0;
  let open = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at + 1);
    else if (code === COLON) fields++;
    else if (code === OPEN || code === OPEN_LIST) {
      containers++;
      open++;
      if (open > depth) depth = open;
    } else if (code === CLOSE || code === CLOSE_LIST) open--;
  }
  return { fields, containers, depth };
}

/** Where the quote is that ends it. */
function endOfString(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) break;
    at += code === BACKSLASH ? 2 : 1;
  }
  return at;
}

/** Undefined for what may be parsed, and walked by recursion. */
export function extentProblem({ containers, depth, fields }: Extent): Problem | undefined {
  if (depth > JSON_DEPTH_MAX) return TOO_DEEP;
  return fields + containers > JSON_PARTS_MAX ? TOO_MANY : undefined;
}

/** Whatever can be written must be safe to walk for all who read it. */
export const TOO_DEEP: Problem = {
  type: "syntax",
  path: "",
  message: `the body nests deeper than ${JSON_DEPTH_MAX} levels`,
};

export const TOO_MANY: Problem = {
  type: "size",
  path: "",
  message: `the body has more than ${JSON_PARTS_MAX} fields, objects and lists`,
};
