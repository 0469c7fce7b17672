import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { KUBERNETES_YAML } from "./yaml.ts";

const CASES: readonly (readonly [string, unknown])[] = [
  ["0400", 0o400],
  ["-012", -10],
  ["400", 400],
  ["0", 0],
  ["089", 89],
  ['"0400"', "0400"],
  ["0400m", "0400m"],
  ["yes", true],
  ["Off", false],
  ["n", false],
  ['"yes"', "yes"],
  ["yes please", "yes please"],
  ["12:30", "12:30"],
  ["2026-01-01", "2026-01-01"],
  ["true", true],
  ["~", null],
  ["1e3", 1000],
];

for (const [text, expected] of CASES) {
  test(`${text} is ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(parse(`a: ${text}`, KUBERNETES_YAML), { a: expected });
  });
}
