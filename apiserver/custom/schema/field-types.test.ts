import assert from "node:assert/strict";
import { test } from "node:test";
import { DEDUCED, type FieldType, fieldType, LEAF, SET } from "../../apply/field-type.ts";
import { compileFieldTypes } from "./field-types.ts";
import type { Schema } from "./schema.ts";

const STRING = { type: "string" };

/** The type of the one field of an object's spec. */
function of(schema: object): FieldType {
  const whole = { type: "object", properties: { spec: schema } };
  return fieldType(compileFieldTypes(whole as unknown as Schema), "spec");
}

function itemOf(type: FieldType, name: string): FieldType | undefined {
  assert.ok(type.kind === "map", type.kind);
  return type.field(name) ?? type.others;
}

test("what a schema says of merging", () => {
  assert.equal(of(STRING), LEAF);
  assert.equal(of({ "x-kubernetes-int-or-string": true }), LEAF);
  assert.equal(of({ type: "array", items: STRING }), LEAF);
  assert.equal(of({ type: "array", items: STRING, "x-kubernetes-list-type": "set" }), SET);
  const properties = { a: STRING };
  assert.equal(of({ type: "object", properties, "x-kubernetes-map-type": "atomic" }), LEAF);
  assert.equal(of({ type: "object", "x-kubernetes-preserve-unknown-fields": true }), DEDUCED);
  assert.equal(of({ "x-kubernetes-preserve-unknown-fields": true }), DEDUCED);
});

test("structs, maps, and those that keep what they do not know", () => {
  const struct = of({ type: "object", properties: { a: STRING } });
  assert.equal(itemOf(struct, "a"), LEAF);
  assert.equal(itemOf(struct, "b"), undefined);
  assert.equal(itemOf(of({ type: "object", additionalProperties: STRING }), "x"), LEAF);
  assert.equal(itemOf(of({ type: "object", additionalProperties: true }), "x"), DEDUCED);
  const keeping = of({
    type: "object",
    properties: { a: STRING },
    "x-kubernetes-preserve-unknown-fields": true,
  });
  assert.equal(itemOf(keeping, "a"), LEAF);
  assert.equal(itemOf(keeping, "b"), DEDUCED);
});

test("lists with keys, and the keys' defaults", () => {
  const list = of({
    type: "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["port", "protocol"],
    items: {
      type: "object",
      properties: { port: { type: "integer" }, protocol: { type: "string", default: "TCP" } },
    },
  });
  assert.ok(list.kind === "list");
  assert.deepEqual(list.keys, ["port", "protocol"]);
  assert.deepEqual(list.keyDefaults, { protocol: "TCP" });
  assert.equal(itemOf(list.items, "port"), LEAF);
});

test("metadata is that of every kind, in embedded objects too", () => {
  const whole = compileFieldTypes({ type: "object" } as unknown as Schema);
  const metadata = itemOf(whole, "metadata");
  assert.ok(metadata !== undefined);
  assert.equal(itemOf(metadata, "finalizers"), SET);
  const embedded = of({
    type: "object",
    "x-kubernetes-embedded-resource": true,
    "x-kubernetes-preserve-unknown-fields": true,
  });
  assert.equal(itemOf(embedded, "metadata"), metadata);
  assert.equal(itemOf(embedded, "spec"), DEDUCED);
});
