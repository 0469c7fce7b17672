import assert from "node:assert/strict";
import { test } from "node:test";
import { type AnyCondition, withCondition, withoutCondition } from "./condition.ts";
import { scaledValue } from "./int-or-string.ts";
import { keyOf, splitKey } from "./key.ts";
import {
  configKeyProblem,
  environmentNameProblem,
  labelKeyProblem,
  labelValueProblem,
  nameProblem,
  portNameProblem,
} from "./names.ts";
import { tolerates, toleratesAll } from "./taint.ts";
import { formatMicroTime, formatTime, parseTime } from "./time.ts";

const NAMES: readonly {
  readonly what: string;
  readonly problem: (text: string) => string | undefined;
  readonly good: readonly string[];
  readonly bad: readonly string[];
}[] = [
  {
    what: "a label",
    problem: (text) => nameProblem(text, "label"),
    good: ["a", "a-b", "0", "a".repeat(63)],
    bad: ["", "A", "-a", "a-", "a.b", "a".repeat(64)],
  },
  {
    what: "a service",
    problem: (text) => nameProblem(text, "service"),
    good: ["a1", "a-b"],
    bad: ["1a", "a.b", ""],
  },
  {
    what: "a subdomain",
    problem: (text) => nameProblem(text, "subdomain"),
    good: ["a.b", "a-1.b", "0.0"],
    bad: ["a..b", ".a", "a_b", "a".repeat(254)],
  },
  {
    what: "a path segment",
    problem: (text) => nameProblem(text, "path"),
    good: ["system:node", "A b"],
    bad: [".", "..", "a/b", "a%b"],
  },
  {
    what: "a label's key",
    problem: labelKeyProblem,
    good: ["a", "A_b.c", "example.com/x"],
    bad: ["", "a/b/c", "/a", "Ex.com/a", "a/", "-a"],
  },
  { what: "a label's value", problem: labelValueProblem, good: ["", "A_b.c"], bad: ["a b", "-a"] },
  {
    what: "a variable",
    problem: environmentNameProblem,
    good: ["A_1", "a.b-c", "_"],
    bad: ["", "1A", "A=B"],
  },
  {
    what: "a port",
    problem: portNameProblem,
    good: ["http", "a-1"],
    bad: ["80", "a--b", "-a", "a-", "A", "a".repeat(16)],
  },
  {
    what: "a config key",
    problem: configKeyProblem,
    good: ["a.b", ".x", "A_"],
    bad: ["..", "..a", "a/b", ""],
  },
];

for (const { bad, good, problem, what } of NAMES) {
  test(`the name of ${what} is checked`, () => {
    for (const text of good) assert.equal(problem(text), undefined, JSON.stringify(text));
    for (const text of bad) assert.notEqual(problem(text), undefined, JSON.stringify(text));
  });
}

const TAINT = { key: "a", value: "b", effect: "NoSchedule" } as const;

const TOLERATIONS: readonly (readonly [Parameters<typeof tolerates>[0], boolean])[] = [
  [{ key: "a", value: "b", effect: "NoSchedule" }, true],
  [{ key: "a", operator: "Equal", value: "b" }, true],
  [{ key: "a", operator: "Exists" }, true],
  [{ operator: "Exists" }, true],
  [{ key: "a" }, false],
  [{ key: "a", value: "c" }, false],
  [{ key: "b", operator: "Exists" }, false],
  [{ key: "a", operator: "Exists", effect: "NoExecute" }, false],
  [{}, false],
];

for (const [toleration, expected] of TOLERATIONS) {
  test(`${JSON.stringify(toleration)} ${expected ? "tolerates" : "does not tolerate"} a=b`, () => {
    assert.equal(tolerates(toleration, TAINT), expected);
    assert.equal(toleratesAll([toleration], [TAINT]), expected);
  });
}

test("toleratesAll() needs one toleration for each taint", () => {
  const other = { key: "c", effect: "NoExecute" } as const;
  assert(!toleratesAll([{ key: "a", operator: "Exists" }], [TAINT, other]));
  assert(toleratesAll([{ key: "a", operator: "Exists" }, { key: "c" }], [TAINT, other]));
  assert(toleratesAll([], []));
});

const OLD: AnyCondition = {
  type: "Ready",
  status: "True",
  reason: "Up",
  lastTransitionTime: "2026-01-01T00:00:00Z",
};
const LATER = "2026-02-02T00:00:00Z";

test("withCondition() keeps the time while the status stays", () => {
  const now = { ...OLD, reason: "Still", lastTransitionTime: LATER };
  assert.deepEqual(withCondition([OLD], now), [
    { ...now, lastTransitionTime: OLD.lastTransitionTime },
  ]);
});

test("withCondition() takes the new time when the status changes", () => {
  const now = { ...OLD, status: "False", lastTransitionTime: LATER };
  assert.deepEqual(withCondition([OLD], now), [now]);
});

test("withCondition() gives the same list back when nothing changes", () => {
  const list = [OLD];
  assert.equal(withCondition(list, { ...OLD, lastTransitionTime: LATER }), list);
  assert.deepEqual(withCondition(undefined, OLD), list);
  assert.deepEqual(withoutCondition(list, "Ready"), []);
});

const SCALED: readonly (readonly [number | string | undefined, number, "down" | "up", number])[] = [
  [undefined, 10, "up", 0],
  [3, 10, "up", 3],
  ["25%", 10, "up", 3],
  ["25%", 10, "down", 2],
  ["100%", 7, "down", 7],
  ["0%", 7, "up", 0],
  ["4", 7, "up", 4],
  ["x", 7, "up", Number.NaN],
];

for (const [value, total, round, expected] of SCALED) {
  test(`scaledValue() of ${value} of ${total}, ${round}, is ${expected}`, () => {
    assert.equal(scaledValue(value, total, round), expected);
  });
}

test("keys are split as they are joined", () => {
  for (const metadata of [{ name: "a", namespace: "n" }, { name: "a" }]) {
    const { name, namespace } = splitKey(keyOf({ metadata }));
    assert.deepEqual([name, namespace], [metadata.name, metadata.namespace]);
  }
});

test("times are written as Kubernetes writes them", () => {
  const ms = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
  assert.equal(formatTime(ms), "2026-01-02T03:04:05Z");
  assert.equal(formatMicroTime(ms + 0.5), "2026-01-02T03:04:05.678500Z");
  assert.equal(parseTime(formatTime(ms)), ms - 678);
  assert.equal(parseTime("soon"), undefined);
});
