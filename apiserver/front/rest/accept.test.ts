import assert from "node:assert/strict";
import { test } from "node:test";
import { StatusError } from "#lib/status-error";
import { Offer } from "./accept.ts";

const JSON_TYPE = "application/json";
const PROTOBUF = "application/vnd.kubernetes.protobuf";
const table = (version: string): string => `${JSON_TYPE};as=Table;v=${version};g=meta.k8s.io`;

const ROWS: readonly (readonly [string | undefined, string])[] = [
  [undefined, "application/json Object v1"],
  ["", "application/json Object v1"],
  ["application/json, */*", "application/json Object v1"],
  ["text/html, application/xhtml+xml, */*;q=0.8", "application/json Object v1"],
  [`${PROTOBUF},${JSON_TYPE}`, `${PROTOBUF} Object v1`],
  [`*/*, ${PROTOBUF}`, `${PROTOBUF} Object v1`],
  [`application/*;q=0.9, ${PROTOBUF};q=0.9`, `${PROTOBUF} Object v1`],
  [`${JSON_TYPE};q=0.1,${PROTOBUF};q=0.2`, `${PROTOBUF} Object v1`],
  [`Application/JSON; Charset=UTF-8`, "application/json Object v1"],
  [`${table("v1")},${table("v1beta1")},${JSON_TYPE}`, "application/json Table v1"],
  [`${table("v2")},${table("v1beta1")}`, "application/json Table v1beta1"],
  [`${PROTOBUF};as=Table;v=v1;g=meta.k8s.io,${table("v1")}`, "application/json Table v1"],
  [
    `${PROTOBUF};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1`,
    `${PROTOBUF} PartialObjectMetadata v1`,
  ],
  [`${JSON_TYPE};stream=other,application/yaml`, "application/yaml Object v1"],
  [`${JSON_TYPE};as=Table`, "406"],
  ["text/html", "406"],
  [`${JSON_TYPE};q=0`, "406"],
];

for (const [accept, expected] of ROWS) {
  test(`Offer.choose() finds ${expected} for ${accept}`, () => {
    if (expected === "406") {
      assert.throws(
        () => Offer.object.choose(accept),
        (error) =>
          StatusError.is(error, "NotAcceptable") &&
          error.message ===
            `only the following media types are accepted: ${JSON_TYPE}, application/yaml, ${PROTOBUF}`,
      );
      return;
    }
    const { as, type, version } = Offer.object.choose(accept);
    assert.equal(`${type} ${as} ${version}`, expected);
  });
}

test("Offer.choose() gives the same answer for the same wish", () => {
  assert.equal(Offer.object.choose("*/*"), Offer.plain.choose(JSON_TYPE));
});

test("kinds without a protobuf form have their metadata in it, and fall back to JSON", () => {
  assert.equal(Offer.textObject.choose(`${PROTOBUF},${JSON_TYPE}`).type, JSON_TYPE);
  const partial = `${PROTOBUF};as=PartialObjectMetadata;g=meta.k8s.io;v=v1`;
  assert.equal(Offer.textObject.choose(partial).type, PROTOBUF);
});

test("a watch is never YAML, and says what it may be", () => {
  assert.throws(
    () => Offer.watch.choose("application/yaml"),
    /application\/json;stream=watch, application\/vnd\.kubernetes\.protobuf;stream=watch$/,
  );
});
