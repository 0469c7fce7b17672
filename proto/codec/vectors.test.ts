import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import type { ApiObject } from "#proto";
import { decodeJson, decodeProtobuf, encodeProtobuf, schemaOf } from "./index.ts";

/** Kubernetes' own round-trip data: the same object as JSON and as protobuf. It stays outside the project. */
const shared = process.env["NARU_SHARED"] ?? join(dirname(import.meta.dirname), "../../shared");
const folder = join(shared, "kubernetes-api/vectors");
const skip = existsSync(folder) ? false : `Kubernetes' vectors are not at ${folder}`;

const vectors = skip ? [] : readdirSync(folder).filter((file) => file.endsWith(".pb"));
const known = vectors.filter((file) => schemaOf(...kindOf(file)) !== undefined);

test("the description has every GA and beta kind of the vectors", { skip }, () => {
  const missing = vectors.filter((file) => !known.includes(file) && !/\.v\dalpha\d\./.test(file));
  assert.deepEqual(missing, []);
});

test("decodeProtobuf() and decodeJson() agree on every vector, and encodeProtobuf() gives its bytes", {
  skip,
}, async (t) => {
  for (const file of known) {
    await t.test(file, () => check(file));
  }
});

function check(file: string): void {
  const bytes = readFileSync(join(folder, file));
  const text = readFileSync(join(folder, file.replace(/pb$/, "json")), "utf8");
  const expected = JSON.parse(text) as ApiObject;
  const [apiVersion, kind] = kindOf(file);
  const { object } = decodeProtobuf(bytes, { apiVersion, kind });
  assert.equal(JSON.stringify(object), JSON.stringify(expected));
  assert.ok(
    Buffer.from(encodeProtobuf(object, { apiVersion, kind })).equals(bytes),
    "bytes differ",
  );

  const decoded = decodeJson({ apiVersion, kind }, text, { fieldValidation: "Strict" });
  assert.deepEqual(decoded.problems, []);
  assert.equal(JSON.stringify(decoded.object), JSON.stringify(expected));
}

/** `apps.v1.Deployment.pb`, `core.v1.Pod.pb`. */
function kindOf(file: string): [apiVersion: string, kind: string] {
  const parts = file.replace(/\.pb$/, "").split(".");
  const kind = parts.pop() ?? "";
  const version = parts.pop() ?? "";
  const group = parts.join(".");
  return [group === "core" || group === "" ? version : `${group}/${version}`, kind];
}
