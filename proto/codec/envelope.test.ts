import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApiObject } from "#proto";
import { decodeProtobuf, encodeProtobuf } from "./index.ts";

test("encodeProtobuf() writes Kubernetes' envelope and every field that is no pointer", () => {
  const object = {
    kind: "ConfigMap",
    apiVersion: "v1",
    metadata: { name: "a" },
    data: { k: "v" },
  } as unknown as ApiObject;
  const written = Buffer.from(encodeProtobuf(object)).toString("hex");
  assert.deepEqual(decodeProtobuf(Buffer.from(written, "hex")).object, object);
  // By hand, from the wire format: magic, then typeMeta with its two texts.
  assert.ok(written.startsWith("6b387300" + "0a0f" + "0a027631" + "1209436f6e6669674d6170"));
  assert.ok(
    written.includes("0a0161" + "1200" + "1a00" + "2200" + "2a00" + "3200" + "3800" + "4200"),
  );
  assert.ok(written.endsWith("1206" + "0a016b" + "120176" + "1a00" + "2200"));
});

test("decodeProtobuf() refuses a body without the magic bytes", () => {
  assert.throws(() => decodeProtobuf(Buffer.from("{}")), /magic/);
});

test("decodeProtobuf() takes the kind from the route where the envelope is silent", () => {
  const bytes = Buffer.from(`6b387300${"1205"}${"0a03"}${"0a0161"}`, "hex");
  const { object } = decodeProtobuf(bytes, { apiVersion: "v1", kind: "ConfigMap" });
  assert.equal(object.metadata.name, "a");
  assert.equal(object.kind, "ConfigMap");
});
