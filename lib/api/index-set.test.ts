import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { IndexSet, IndexSetError } from "./index-set.ts";

const indexes = fc.uniqueArray(fc.nat(40));

test("IndexSet holds what was put in, and its text says the same", () => {
  fc.assert(
    fc.property(indexes, indexes, fc.nat(40), (some, more, bound) => {
      const set = IndexSet.EMPTY.with(some).with(more);
      const wanted = new Set([...some, ...more]);
      assert.equal(set.size, wanted.size);
      for (let at = 0; at <= 41; at++) assert.equal(set.has(at), wanted.has(at));
      assert.equal(IndexSet.parse(set.toString()).toString(), set.toString());
      assert.equal(set.below(bound).size, [...wanted].filter((each) => each < bound).length);
      const other = IndexSet.EMPTY.with(some);
      assert.equal(set.sizeWithin(other), some.length);
    }),
  );
});

test("lastFrom() skips a run of neighbours", () => {
  const set = IndexSet.parse("1,3-5,7");
  assert.deepEqual(
    [0, 1, 3, 4, 6, 7].map((at) => set.lastFrom(at)),
    [undefined, 1, 5, 5, undefined, 7],
  );
});

test("IndexSet writes ranges as Kubernetes does", () => {
  assert.equal(IndexSet.EMPTY.with([7, 1, 3, 5, 4]).toString(), "1,3-5,7");
  assert.equal(IndexSet.parse("0,1").toString(), "0,1");
  assert.equal(IndexSet.parse("").size, 0);
});

for (const text of ["a", "1,", "3-1", "3,2", "1-3,3", "-1", "1 ,2"]) {
  test(`IndexSet.parse() refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => IndexSet.parse(text), IndexSetError);
  });
}
