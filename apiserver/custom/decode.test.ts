import assert from "node:assert/strict";
import { test } from "node:test";
import type { FieldValidation } from "#codec";
import type { JsonValue } from "#lib/json";
import { decodeCustom } from "./decode.ts";
import { compilePrune } from "./schema/prune.ts";

const KIND = { apiVersion: "x.example.com/v1", kind: "X" };
const FREE = { type: "object", "x-kubernetes-preserve-unknown-fields": true } as const;
const PRUNE = compilePrune({ type: "object", properties: { spec: FREE } }, true);

function decoded(input: unknown, fieldValidation: FieldValidation = "Strict") {
  return decodeCustom(input, { kind: KIND, prune: PRUNE, fieldValidation });
}

const FAULTS: readonly (readonly [unknown, RegExp])[] = [
  [Buffer.from("{"), /no valid JSON/],
  [Buffer.from('{"kind": "Y"}'), /kind: expected "X", got "Y"/],
  [{ metadata: 1 }, /metadata: expected an object/],
  [{ metadata: { labels: 1 } }, /metadata.labels: expected a map/],
  [{ metadata: { nme: "x" } }, /unknown field "metadata.nme"/],
  [{ sepc: {} }, /unknown field "sepc"/],
  [Buffer.from('{"spec": {"a": 1, "a": 2}}'), /duplicate field "spec.a"/],
];

test("decodeCustom() says what is wrong with what was sent", () => {
  for (const [input, expected] of FAULTS) {
    const { object, problems } = decoded(input);
    assert.equal(object, undefined);
    assert.match(problems.map(({ message }) => message).join(), expected);
  }
});

test("decodeCustom() warns of what it takes out, or is silent", () => {
  const warned = decoded({ sepc: {} }, "Warn");
  assert.deepEqual(warned.object, { metadata: warned.object?.metadata });
  assert.deepEqual(
    warned.warnings.map(({ message }) => message),
    ['unknown field "sepc"'],
  );
  assert.deepEqual(decoded({ sepc: {} }, "Ignore").warnings, []);
});

test("decodeCustom() refuses what nests so deep that no one could walk it", () => {
  const nested = (depth: number): JsonValue =>
    JSON.parse(`${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`);
  assert.notEqual(decoded({ spec: nested(400) }).object, undefined);
  assert.match(
    decoded({ spec: nested(100_000) }).problems[0]?.message ?? "",
    /deeper than 500 levels/,
  );
});
