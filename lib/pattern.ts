/**
 * Regular expressions that users write, in time that nobody can stretch. Kubernetes' are RE2's, which have no look-around
 * and no back-references and run in linear time; https://github.com/google/re2/wiki/Syntax
 */
import { setFlagsFromString } from "node:v8";
import { createContext, Script } from "node:vm";

/** The text is no regular expression of RE2's. */
export class PatternError extends Error {
  override readonly name = "PatternError";
}

export interface Pattern {
  /** Whether it matches anywhere in the text. */
  test(text: string): boolean;
  /** All matches that do not overlap, from the left; at most `limit`. */
  findAll(text: string, limit?: number): readonly string[];
}

/** Schemas and rules use the same few; more are the work of somebody who makes them up. */
const KEPT_MAX = 1_000;
const LENGTH_MAX = 10_000;
/** For the few that V8's linear engine does not take. What needs longer is hostile. */
const BACKTRACKING_MS_MAX = 50;

const kept = new Map<string, Pattern>();

/** Throws `PatternError`. */
export function patternOf(source: string): Pattern {
  const known = kept.get(source);
  if (known !== undefined) return known;
  const made = makePattern(source);
  if (kept.size >= KEPT_MAX) kept.clear();
  kept.set(source, made);
  return made;
}

function makePattern(source: string): Pattern {
  if (source.length > LENGTH_MAX) throw new PatternError("the pattern is too long");
  const text = translate(source);
  const linear = tryLinear(text);
  if (linear !== undefined) return over(linear);
  try {
    return watched(new RegExp(text, "gu"));
  } catch (error) {
    throw new PatternError(error instanceof Error ? error.message : String(error));
  }
}

/** V8 has an engine that never backtracks. It refuses what it cannot do, and does not know case or Unicode's classes. */
function tryLinear(text: string): RegExp | undefined {
  if (/\\[pP]/.test(text)) return undefined;
  setFlagsFromString("--enable-experimental-regexp-engine");
  try {
    return new RegExp(text, "gl");
  } catch {
    // Whether it is no expression at all, or only one that this engine does not take, the other will say.
    return undefined;
  }
}

function over(expression: RegExp): Pattern {
  return {
    test(text) {
      expression.lastIndex = 0;
      return expression.test(text);
    },
    findAll: (text, limit) => take(text.matchAll(expression), limit),
  };
}

/** The same, with a watchdog. It costs a fraction of a millisecond, so short texts do without. */
function watched(expression: RegExp): Pattern {
  const plain = over(expression);
  const run = <Result>(work: () => Result): Result => {
    try {
      return new Script("work()").runInContext(createContext({ work }), {
        timeout: BACKTRACKING_MS_MAX,
      }) as Result;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
      throw new PatternError(`the pattern takes too long on this text: ${expression.source}`);
    }
  };
  return {
    test: (text) => run(() => plain.test(text)),
    findAll: (text, limit) => run(() => plain.findAll(text, limit)),
  };
}

function take(matches: Iterable<RegExpMatchArray>, limit = Number.POSITIVE_INFINITY): string[] {
  const found: string[] = [];
  for (const [match] of matches) {
    if (found.length >= limit) break;
    found.push(match);
  }
  return found;
}

/** What RE2 writes otherwise than JavaScript. */
function translate(source: string): string {
  if (/\(\?(?:=|!|<=|<!)/.test(source))
    throw new PatternError("invalid or unsupported Perl syntax: look-around");
  if (/(?:^|[^\\])(?:\\\\)*\\(?:[1-9]|k<)/.test(source))
    throw new PatternError("invalid escape sequence: back-reference");
  return withFlagGroups(
    source
      .replaceAll("(?P<", "(?<")
      .replaceAll(/\[:(\^?)(\w+):\]/g, (all, negated: string, name: string) =>
        negated === "" ? (CLASSES[name] ?? all) : all,
      )
      .replaceAll(/\\([pP])([A-Z])/g, "\\$1{$2}")
      .replaceAll(/\\(.)/g, (written, letter: string) => ESCAPES[letter] ?? written),
  );
}

/** An escape, a class, flags for the rest of a group, the ends of groups and alternatives, or any other character. */
const TOKENS = /\\[\s\S]|\[\^?\]?(?:\\[\s\S]|[^\]\\])*\]|\(\?([ims]*(?:-[ims]+)?)\)|[\s\S]/g;

/** `a(?i)b|c` becomes `a(?i:b)|(?i:c)`: in JavaScript flags have a group of their own. */
function withFlagGroups(source: string): string {
  if (!/\(\?[ims-]+\)/.test(source)) return source;
  /** Of each group that is open, from the outermost: the flags that it has been given on the way. */
  const groups: string[][] = [[]];
  const open = (flags: readonly string[]): string => flags.map((each) => `(?${each}:`).join("");
  let text = "";
  for (const [token, flags] of source.matchAll(TOKENS)) {
    const here = groups.at(-1) ?? [];
    const close = ")".repeat(here.length);
    if (flags !== undefined && flags !== "") {
      here.push(flags);
      text += open([flags]);
    } else if (token === "(") {
      groups.push([]);
      text += token;
    } else if (token === ")") {
      groups.pop();
      text += close + token;
    } else text += token === "|" ? `${close}|${open(here)}` : token;
  }
  return text + ")".repeat(groups[0]?.length ?? 0);
}

/** RE2's own; every other escape is JavaScript's too. */
const ESCAPES: Readonly<Record<string, string>> = {
  A: "^",
  z: "$",
  a: "\\x07",
  _: "_",
  "-": "\\x2d",
};

const CLASSES: Readonly<Record<string, string>> = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  ascii: "\\x00-\\x7f",
  blank: "\\t ",
  cntrl: "\\x00-\\x1f\\x7f",
  digit: "0-9",
  graph: "!-~",
  lower: "a-z",
  print: " -~",
  punct: "!-\\/:-@\\[-`{-~",
  space: "\\s",
  upper: "A-Z",
  word: "0-9A-Za-z_",
  xdigit: "0-9A-Fa-f",
};
