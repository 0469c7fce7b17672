import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonValue } from "#lib/json";
import { compileColumns } from "./columns.ts";

const NOW = Date.parse("2026-01-01T01:00:00Z");
const OBJECT = {
  metadata: { name: "x", creationTimestamp: "2026-01-01T00:00:00Z" },
  spec: { n: 3, f: 1.5, yes: true, list: ["a", "b"], map: { k: 1 } },
  status: {
    conditions: [
      { type: "Ready", status: "True" },
      { type: "Other", status: "False" },
    ],
  },
};

const CELLS: readonly (readonly [string, string, JsonValue])[] = [
  ["integer", ".spec.n", 3],
  ["integer", ".spec.f", 1],
  ["number", ".spec.f", 1.5],
  ["boolean", ".spec.yes", true],
  ["string", ".spec.list[1]", "b"],
  ["string", ".spec.list[*]", "a b"],
  ["string", ".spec.map", '{"k":1}'],
  ["string", '.status.conditions[?(@.type=="Ready")].status', "True"],
  ["date", ".metadata.creationTimestamp", "60m"],
  ["date", ".spec.list[0]", "<invalid>"],
  ["string", ".spec.nothing", null],
  ["integer", ".spec.yes", null],
];

test("compileColumns() reads each cell by its path and type", () => {
  for (const [type, jsonPath, expected] of CELLS) {
    const { row } = compileColumns([{ name: "C", type, jsonPath }]);
    assert.deepEqual(row(OBJECT, NOW).cells, ["x", expected], jsonPath);
  }
});

test("compileColumns() shows the age where the definition names no columns", () => {
  const { columns, row } = compileColumns();
  assert.deepEqual(
    columns.map(({ name }) => name),
    ["Name", "Age"],
  );
  assert.deepEqual(row(OBJECT, NOW).cells, ["x", "60m"]);
});
