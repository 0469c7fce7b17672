import assert from "node:assert/strict";
import { test } from "node:test";
import { PatternError, patternOf } from "./pattern.ts";

const CASES: readonly (readonly [string, string, boolean])[] = [
  ["^a.c$", "abc", true],
  ["^[[:alpha:]]+$", "abc1", false],
  ["(?i)ABC", "xabcx", true],
  ["(?P<name>a)b", "ab", true],
  ["\\Aab\\z", "ab", true],
  ["\\Aab\\z", "abc", false],
  ["^a{2,40}$", "aaa", true],
  ["^\\p{L}+$", "né", true],
  ["^.$", "b", true],
  ["^((?i)mon|tues)day$", "TUESday", true],
  ["^((?i)mon|tues)day$", "tuesDAY", false],
  ["^a(?i)b|c$", "AB", false],
  ["^a(?i)b|c$", "C", true],
  ["(?i)[(?x)]B", "?b", true],
  ["(?s)^a.b$", "a\nb", true],
];

test("patternOf() reads RE2's syntax", () => {
  for (const [pattern, text, expected] of CASES)
    assert.equal(patternOf(pattern).test(text), expected, `${pattern} on ${text}`);
});

test("patternOf() refuses what RE2 does not have, and what is no expression", () => {
  for (const pattern of ["(?=a)b", "(?<!a)b", "(a)\\1", "(", "[z-a]"])
    assert.throws(() => patternOf(pattern), PatternError, pattern);
});

test("findAll() gives at most as many as are wanted", () => {
  assert.deepEqual(patternOf("[0-9]+").findAll("a1b22c3", 2), ["1", "22"]);
  assert.deepEqual(patternOf("[0-9]+").findAll("a1b22c3"), ["1", "22", "3"]);
});

test("test() does not take for ever on what makes backtracking engines do so", () => {
  const text = `${"a".repeat(40)}!`;
  assert.equal(patternOf("^(a+)+$").test(text), false);
  assert.throws(() => patternOf("^(\\p{L}+)+$").test(text), /takes too long/);
});
