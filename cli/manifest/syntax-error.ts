import type { YAMLError } from "yaml";
import { UserError } from "../terminal.ts";
import { formatPlace, type Place } from "./manifest.ts";

type ErrorCode = YAMLError["code"];

/** In words of those who write manifests; other errors are rare, and keep the parser's own. */
const MEANINGS: Partial<Record<ErrorCode, string>> = {
  TAB_AS_INDENT: "a tab indents this line; YAML takes spaces only",
  BLOCK_AS_IMPLICIT_KEY:
    "a second `key: value` on one line, or a line indented deeper than its neighbours; quote the value if the colon belongs to it",
  MULTILINE_IMPLICIT_KEY: "this line has no colon after its key; write `key: value`",
  BAD_INDENT:
    "this line is not indented like its neighbours, or a bracket or brace above is not closed",
  UNEXPECTED_TOKEN:
    "this does not fit what stands above: list items and keys are mixed, or the indentation differs",
  MISSING_CHAR: "a quote, bracket or brace is not closed",
  BAD_SCALAR_START: "a value that starts with this character has to stand in quotes",
  BAD_DQ_ESCAPE: "no such escape in double quotes; write the backslash twice, or use single quotes",
  DUPLICATE_KEY: "this key stands here twice; take one away",
};

/** What is wrong with a text that is no YAML, where, and how to mend it. */
export function syntaxError(place: Place, problem: YAMLError): UserError {
  const at = problem.linePos?.[0];
  const where = at === undefined ? formatPlace(place) : `${place.source}:${at.line}:${at.col}`;
  // The library's message goes on with an excerpt of the text; its first line says what is wrong.
  const [first = ""] = problem.message.split("\n");
  const what = MEANINGS[problem.code] ?? first.replace(/ at line \d+, column \d+:?$/, "");
  return new UserError(`${where}: ${what}`, { cause: problem });
}

/** Aliases are resolved after parsing: one may have no anchor, or stand for more than any manifest needs. */
export function aliasError(place: Place, error: Error): UserError {
  const [first] = error.message.split("\n");
  return new UserError(`${formatPlace(place)}: ${first}`, { cause: error });
}
