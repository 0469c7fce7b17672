import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { JsonObject } from "#lib/json";
import { countPlaces, sizeOf } from "./count-places.ts";
import {
  difference,
  EMPTY,
  equal,
  type FieldSet,
  intersection,
  placesOf,
  setOf,
  union,
} from "./field-set.ts";
import { decodeFields, encodeFields, fieldsOf } from "./fields-v1.ts";
import { canonicalElement, pathText } from "./path.ts";

const elements = fc.constantFrom("f:a", "f:b", 'f:"c', 'k:{"name":"x"}', 'v:"y"', "i:0");
const paths = fc.array(elements, { minLength: 1, maxLength: 4 });
const pathLists = fc.array(paths, { maxLength: 8 });
const sets = pathLists.map((all) => setOf(...all));

/** A set as its places, the plain way. */
function texts(set: FieldSet): readonly string[] {
  return [...placesOf(set)].map((path) => path.join(" ")).toSorted();
}

describe("field sets", () => {
  test("behave as sets of paths", () => {
    fc.assert(
      fc.property(sets, sets, (a, b) => {
        const inA = new Set(texts(a));
        const inB = new Set(texts(b));
        const all = [...new Set([...inA, ...inB])].toSorted();
        const keep = (wanted: (text: string) => boolean) => all.filter(wanted);
        assert.deepEqual(texts(union(a, b)), all);
        assert.deepEqual(
          texts(difference(a, b)),
          keep((each) => !inB.has(each)),
        );
        assert.deepEqual(
          texts(intersection(a, b)),
          keep((each) => inA.has(each) && inB.has(each)),
        );
        assert.equal(equal(a, b), keep((each) => inA.has(each) !== inB.has(each)).length === 0);
      }),
    );
  });

  test("give back what they were given when nothing changes", () => {
    fc.assert(
      fc.property(sets, sets, (a, b) => {
        const both = union(a, b);
        assert.equal(union(both, b), both);
        const rest = difference(a, b);
        assert.equal(difference(rest, b), rest);
        assert.equal(difference(a, EMPTY), a);
      }),
    );
  });
});

describe("FieldsV1", () => {
  test("is compared with a set as text", () => {
    fc.assert(
      fc.property(sets, sets, (a, b) => {
        assert.equal(countPlaces(encodeFields(a), b), texts(intersection(a, b)).length);
        assert.equal(sizeOf(b), texts(b).length);
      }),
      { numRuns: 1000 },
    );
  });

  test("comes back from its text as it was", () => {
    fc.assert(
      fc.property(sets, (set) => {
        const text = encodeFields(set);
        assert.ok(equal(decodeFields(text), set));
        const parsed = fieldsOf(JSON.parse(text));
        assert.ok(parsed !== undefined && equal(parsed, set));
      }),
    );
  });

  test("writes a place above others as a dot", () => {
    const set = setOf(["f:metadata", "f:x"], ["f:spec"], ["f:spec", "f:a"]);
    assert.equal(encodeFields(set), '{"f:metadata":{"f:x":{}},"f:spec":{".":{},"f:a":{}}}');
    assert.equal(encodeFields(EMPTY), "{}");
  });

  test("that a client wrote is read into our own words, or refused", () => {
    assert.equal(canonicalElement('k:{"b": 1, "a":"x"}'), 'k:{"a":"x","b":1}');
    for (const wrong of ["x:a", "k:[]", "k:{", "i:-1", "v:"])
      assert.equal(fieldsOf({ "f:spec": { [wrong]: {} } }), undefined, wrong);
    assert.equal(fieldsOf({ "f:spec": 1 }), undefined);
    let deep: JsonObject = {};
    for (let at = 0; at < 20_000; at++) deep = { "f:a": deep };
    assert.equal(fieldsOf(deep), undefined);
  });
});

test("paths read as Kubernetes writes them", () => {
  const path = [
    "f:spec",
    'k:{"containerPort":80,"protocol":"TCP"}',
    'v:"example.com/x"',
    "i:3",
    "f:image",
  ];
  assert.equal(pathText(path), '.spec[containerPort=80,protocol="TCP"][="example.com/x"][3].image');
});
