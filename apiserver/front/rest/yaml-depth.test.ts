import assert from "node:assert/strict";
import { test } from "node:test";
import { Lexer } from "yaml";
import { mayOpenTooDeep, opensTooDeep } from "./yaml-depth.ts";

const MANY = 600;

const TEXTS: readonly (readonly [string, boolean])[] = [
  [`a: ${"[".repeat(MANY)}`, true],
  [`a: ${'{"a":'.repeat(MANY)}`, true],
  ["- ".repeat(MANY), true],
  ["-\t".repeat(MANY), true],
  ["? ".repeat(MANY), true],
  [`a: [${"[1],".repeat(MANY)}]`, false],
  ["- a\n".repeat(MANY), false],
  [`a: "${"[".repeat(MANY)}"\nb: |\n  ${"[\n  ".repeat(MANY)}`, false],
  [`a: [${'"[",'.repeat(MANY)}]`, false],
  [`a: ${"[".repeat(100)}${"]".repeat(100)}`, false],
];

for (const [text, expected] of TEXTS) {
  test(`opensTooDeep() is ${expected} of ${JSON.stringify(text.slice(0, 20))}`, () => {
    assert.equal(opensTooDeep(new Lexer().lex(text)), expected);
    if (expected) assert.equal(mayOpenTooDeep(text), true);
  });
}

test("mayOpenTooDeep() lets usual text pass", () => {
  assert.equal(mayOpenTooDeep("a: [1]\nb:\n- c\n".repeat(100)), false);
});
