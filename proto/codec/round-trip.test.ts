import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ApiObject, JsonObject, JsonValue } from "#proto";
import { RESOURCES } from "#resources";
import { decodeJson, decodeProtobuf, encodeProtobuf, ProtobufError, schemaOf } from "./index.ts";
import { type Field, type Message, TYPE } from "./schema.ts";
import { timeText } from "./time.ts";

const RUNS = 15;
/** Deeper messages are left empty, so that trees stay small. */
const DEPTH_MAX = 4;

/** Any object of a kind, with values that are canonical already. */
function messageOf(message: Message, depth: number): fc.Arbitrary<JsonObject> {
  const fields = depth > DEPTH_MAX ? [] : message.fields;
  const parts = fields.map((field) => [field.name, fieldOf(field, depth)] as const);
  return fc.record(Object.fromEntries(parts), { requiredKeys: [] }) as fc.Arbitrary<JsonObject>;
}

function fieldOf(field: Field, depth: number): fc.Arbitrary<JsonValue> {
  const value = valueIn(field, depth);
  if (field.isList) return fc.array(value, { minLength: 1, maxLength: 2 });
  if (field.isMap) return fc.dictionary(key, value, { minKeys: 1, maxKeys: 2 });
  return value;
}

const key = fc.stringMatching(/^[a-z]{1,6}$/);
const seconds = fc.integer({ min: 1, max: 4_000_000_000 });

function valueIn(field: Field, depth: number): fc.Arbitrary<JsonValue> {
  switch (field.type) {
    case TYPE.message:
      return field.message === undefined ? fc.constant({}) : messageOf(field.message, depth + 1);
    case TYPE.int32:
      return fc.integer();
    case TYPE.int64:
      return fc.maxSafeInteger();
    case TYPE.bool:
      return fc.boolean();
    case TYPE.bytes:
      return fc.uint8Array({ minLength: 1 }).map((bytes) => Buffer.from(bytes).toString("base64"));
    case TYPE.quantity:
      return fc.constantFrom("1", "500m", "128Mi");
    case TYPE.intOrString:
      return fc.oneof(fc.integer(), fc.string());
    case TYPE.time:
      return seconds.map(timeText);
    case TYPE.microTime:
      return seconds.map((at) => `${timeText(at).slice(0, -1)}.000123Z`);
    case TYPE.duration:
      return fc.constantFrom("0s", "15s", "1m0.25s");
    case TYPE.slice:
      return fc.array(fc.string(), { minLength: 1 });
    case TYPE.raw:
    case TYPE.fields:
      return fc.dictionary(key, fc.string(), { minKeys: 1 });
    default:
      return fc.string();
  }
}

for (const { group, version, kind } of RESOURCES) {
  const apiVersion = group === "" ? version : `${group}/${version}`;
  test(`${apiVersion} ${kind} comes back the same from protobuf, and decoding it again changes nothing`, () => {
    const schema = schemaOf(apiVersion, kind);
    assert.ok(schema !== undefined);
    const property = fc.property(messageOf(schema, 0), (input) => {
      const object = decoded({ apiVersion, kind }, input);
      assert.deepEqual(decoded({ apiVersion, kind }, object), object);
      if (schema.isJsonOnly) {
        assert.throws(() => encodeProtobuf(object), /no protobuf form/);
        return;
      }
      const bytes = encodeProtobuf(object);
      // Protobuf sorts a map's keys, so their order is the one thing that may change.
      assert.deepEqual(decodeProtobuf(bytes).object, object);
    });
    fc.assert(property, { numRuns: RUNS });
  });
}

function decoded(kind: { apiVersion: string; kind: string }, input: unknown): ApiObject {
  const { object, problems } = decodeJson(kind, JSON.parse(JSON.stringify(input)), {
    fieldValidation: "Strict",
  });
  assert.deepEqual(problems, []);
  assert.ok(object !== undefined);
  return object;
}

test("decodeProtobuf() answers hostile bytes with a ProtobufError, and nothing else", () => {
  const pod = decoded(
    { apiVersion: "v1", kind: "Pod" },
    { metadata: { name: "a" }, spec: { containers: [{ name: "c", image: "x" }] } },
  );
  const good = encodeProtobuf(pod);
  const property = fc.property(fc.nat(good.length - 1), fc.nat(255), (at, byte) => {
    const bytes = Uint8Array.from(good);
    bytes[at] = byte;
    try {
      decodeProtobuf(bytes);
    } catch (error) {
      assert.ok(error instanceof ProtobufError, String(error));
    }
  });
  fc.assert(property, { numRuns: 500 });
});
