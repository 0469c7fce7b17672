import { isDeepStrictEqual } from "node:util";
import { configKeyProblem } from "#lib/api/names";
import type { JsonObject } from "#lib/json";
import type { StatusCause } from "#lib/status-error";
import { type Causes, forbidden, invalid, required } from "../causes.ts";
import type { KindRules } from "../kind-rules.ts";

/** What one object may hold; etcd takes no larger values. */
const DATA_BYTES_MAX = 1024 * 1024;

type Data = Readonly<Record<string, string>>;

export const configMapRules: KindRules = {
  nameRule: "subdomain",
  validate(object) {
    const data = (object["data"] ?? {}) as Data;
    const binary = (object["binaryData"] ?? {}) as Data;
    const twice = Object.keys(binary).filter((key) => Object.hasOwn(data, key));
    return [
      ...keys(data, "data"),
      ...keys(binary, "binaryData"),
      ...twice.map((key) => invalid(`data[${key}]`, key, "duplicate of key present in binaryData")),
      ...size(
        [
          ...Object.values(data).map((text) => Buffer.byteLength(text)),
          ...Object.values(binary).map(decodedLength),
        ],
        "data",
      ),
    ];
  },
  validateUpdate: (object, old) => immutable(object, old, ["data", "binaryData"]),
};

/** Keys that a type of secret has to have. */
const REQUIRED_KEYS: Readonly<Record<string, readonly string[]>> = {
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
};

export const secretRules: KindRules = {
  nameRule: "subdomain",
  complete(object) {
    // stringData is for writing only: it ends up in data.
    const { stringData, ...rest } = object;
    const given = Object.entries((stringData ?? {}) as Data);
    const encoded = given.map(
      ([key, value]) => [key, Buffer.from(value).toString("base64")] as const,
    );
    const type = object["type"] ?? "Opaque";
    if (given.length === 0) return { ...rest, type };
    return {
      ...rest,
      type,
      data: { ...(object["data"] as JsonObject), ...Object.fromEntries(encoded) },
    };
  },
  validate(object) {
    const data = (object["data"] ?? {}) as Data;
    const missing = (REQUIRED_KEYS[String(object["type"])] ?? []).filter(
      (key) => !Object.hasOwn(data, key),
    );
    return [
      ...keys(data, "data"),
      ...missing.map((key) => required(`data[${key}]`)),
      ...size(Object.values(data).map(decodedLength), "data"),
    ];
  },
  validateUpdate(object, old) {
    const changed =
      object["type"] === old["type"] ? [] : [invalid("type", object["type"], "field is immutable")];
    return [...changed, ...immutable(object, old, ["data"])];
  },
};

function keys(data: Data, path: string): Causes {
  return Object.keys(data).flatMap((key): StatusCause[] => {
    const problem = configKeyProblem(key);
    return problem === undefined ? [] : [invalid(`${path}[${key}]`, key, problem)];
  });
}

function size(lengths: readonly number[], path: string): Causes {
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (total <= DATA_BYTES_MAX) return [];
  const message = `Too long: may not be more than ${DATA_BYTES_MAX} bytes`;
  return [{ reason: "FieldValueTooLong", field: path, message }];
}

function decodedLength(base64: string): number {
  return Math.floor((base64.length * 3) / 4);
}

function immutable(object: JsonObject, old: JsonObject, fields: readonly string[]): Causes {
  if (old["immutable"] !== true) return [];
  const why = "field is immutable when `immutable` is set";
  const freed = object["immutable"] === true ? [] : [forbidden("immutable", why)];
  const changed = fields.filter(
    (field) => !isDeepStrictEqual(object[field] ?? {}, old[field] ?? {}),
  );
  return [...freed, ...changed.map((field) => forbidden(field, why))];
}
