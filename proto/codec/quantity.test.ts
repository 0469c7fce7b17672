import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalQuantity } from "./quantity.ts";

/** As Kubernetes prints what it was given. */
const CANONICAL: readonly (readonly [given: string, printed: string | undefined])[] = [
  ["0", "0"],
  ["0.0m", "0"],
  ["1", "1"],
  ["0.5", "500m"],
  ["1000m", "1"],
  ["1500m", "1500m"],
  ["1000", "1k"],
  ["1e3", "1e3"],
  ["1.5e3", "1500"],
  ["12000000", "12M"],
  ["128Mi", "128Mi"],
  ["1024Mi", "1Gi"],
  ["1.5Gi", "1536Mi"],
  ["0.5Ki", "512"],
  ["1Ki", "1Ki"],
  ["-250m", "-250m"],
  ["+5", "5"],
  [".25", "250m"],
  ["0.0000000001", "1n"],
  ["1E", "1E"],
  ["", undefined],
  ["m", undefined],
  ["1 Gi", undefined],
  ["1mi", undefined],
  ["0x10", undefined],
];

for (const [given, printed] of CANONICAL) {
  test(`canonicalQuantity() makes "${given}" ${printed ?? "nothing"}`, () => {
    assert.equal(canonicalQuantity(given), printed);
  });
}
