import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseQuantity, Quantity, QuantityError, tryParseQuantity } from "./quantity.ts";

const CANONICAL: readonly (readonly [text: string, canonical: string])[] = [
  ["0", "0"],
  ["100m", "100m"],
  ["0.1", "100m"],
  ["1000m", "1"],
  ["1500m", "1500m"],
  ["2", "2"],
  ["1024", "1024"],
  ["1000", "1k"],
  ["128Mi", "128Mi"],
  ["1.5Gi", "1536Mi"],
  ["1024Ki", "1Mi"],
  ["0.5Ki", "512"],
  ["12e6", "12e6"],
  ["12E6", "12e6"],
  ["1.2e3", "1200"],
  ["-5m", "-5m"],
  ["+3", "3"],
  ["1n", "1n"],
  ["0.1n", "1n"],
  ["3.", "3"],
  [".5", "500m"],
  ["8E", "8E"],
  ["1Ei", "1Ei"],
];

for (const [text, canonical] of CANONICAL) {
  test(`parseQuantity() writes ${text} as ${canonical}`, () => {
    assert.equal(parseQuantity(text).toString(), canonical);
  });
}

for (const text of ["", "m", "1 Gi", "1gi", "1KI", "--1", "1e", "1..2", "1Mi2", "NaN", "0x1"]) {
  test(`parseQuantity() refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseQuantity(text), QuantityError);
    assert.equal(tryParseQuantity(text), undefined);
  });
}

test("Quantity rounds up to whole units and thousandths", () => {
  assert.equal(parseQuantity("100m").value(), 1);
  assert.equal(parseQuantity("1500m").value(), 2);
  assert.equal(parseQuantity("1u").milliValue(), 1);
  assert.equal(parseQuantity("2.5").milliValue(), 2500);
  assert.equal(parseQuantity("64Mi").value(), 67_108_864);
});

test("Quantity keeps the first's way of writing in a sum, but not zero's", () => {
  assert.equal(parseQuantity("1Gi").add(parseQuantity("1Mi")).toString(), "1025Mi");
  assert.equal(new Quantity(0n).add(parseQuantity("1Mi")).toString(), "1Mi");
  assert.equal(parseQuantity("1").subtract(parseQuantity("250m")).toString(), "750m");
});

const SUFFIXES = ["n", "u", "m", "", "k", "M", "G", "Ki", "Mi", "Gi"];
const texts = fc
  .tuple(fc.integer({ min: -999_999, max: 999_999 }), fc.constantFrom(...SUFFIXES))
  .map(([number, suffix]) => `${number}${suffix}`);

test("Quantity's canonical form is the same amount, and its own canonical form", () => {
  fc.assert(
    fc.property(texts, (text) => {
      const quantity = parseQuantity(text);
      const again = parseQuantity(quantity.toString());
      assert.equal(again.nanos, quantity.nanos);
      assert.equal(again.toString(), quantity.toString());
    }),
  );
});

test("Quantity adds and compares as numbers do", () => {
  fc.assert(
    fc.property(texts, texts, (a, b) => {
      const [x, y] = [parseQuantity(a), parseQuantity(b)];
      assert.equal(x.add(y).nanos, y.add(x).nanos);
      assert.equal(x.add(y).subtract(y).compare(x), 0);
      // Not negated: 0 and -0 are not the same to the assertion.
      assert.equal(x.compare(y) + y.compare(x), 0);
    }),
  );
});
