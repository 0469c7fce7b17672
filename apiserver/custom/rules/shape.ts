/** What a schema's values are in CEL: their type, and how JSON becomes one. */
import { Duration } from "@marcbachmann/cel-js/evaluator";
import type { JsonObject, JsonValue } from "#lib/json";
import type { ObjectType } from "../../cel/environment.ts";
import { celValueOf } from "../../cel/values.ts";
import {
  isEmbedded,
  isIntOrString,
  isObject,
  preserves,
  propertiesOf,
  type Schema,
  valuesOf,
} from "../schema/schema.ts";
import { escapedName } from "./escaped-name.ts";

export interface Shape {
  readonly type: string;
  /** Structs that the type is made of. */
  readonly types: readonly ObjectType[];
  readonly toCel: (json: JsonValue) => unknown;
}

const DYN: Shape = { type: "dyn", types: [], toCel: celValueOf };

/** `name` is for the types of its structs, which have to differ. */
export function shapeOf(schema: Schema, name: string, isRoot = false): Shape {
  if (isIntOrString(schema)) return DYN;
  switch (schema.type) {
    case "array":
      return listOf(schema.items === undefined ? DYN : shapeOf(schema.items, `${name}.items`));
    case "object":
      return objectShape(schema, name, isRoot);
    case "string":
      return textShape(schema.format);
    case "integer":
      return scalar("int", (json) => BigInt(json as number));
    case "number":
      return scalar("double", Number);
    case "boolean":
      return scalar("bool", (json) => json);
    default:
      return DYN;
  }
}

function scalar(type: string, toCel: Shape["toCel"]): Shape {
  return { type, types: [], toCel };
}

function listOf({ type, types, toCel }: Shape): Shape {
  return {
    type: `list<${type}>`,
    types,
    toCel: (json) => (json as readonly JsonValue[]).map(toCel),
  };
}

function textShape(format: string | undefined): Shape {
  switch (format) {
    case "byte":
      return scalar("bytes", (json) => new Uint8Array(Buffer.from(String(json), "base64")));
    case "date":
    case "date-time":
      return scalar("google.protobuf.Timestamp", (json) => new Date(String(json)));
    case "duration":
      return scalar("google.protobuf.Duration", (json) => durationOf(String(json)));
    default:
      return scalar("string", (json) => json);
  }
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Well-formed: the schema's format has been checked. */
function durationOf(text: string): Duration {
  let milliseconds = 0;
  for (const [, amount = "0", unit = "s"] of text.matchAll(/(\d+\.?\d*|\.\d+)([a-zµ]+)/g))
    milliseconds += Number(amount) * (UNIT_MS[unit] ?? 0);
  return Duration.fromMilliseconds(text.startsWith("-") ? -milliseconds : milliseconds);
}

function objectShape(schema: Schema, name: string, isRoot: boolean): Shape {
  const values = valuesOf(schema);
  if (values !== undefined) return mapOf(values === true ? DYN : shapeOf(values, `${name}.values`));
  const isWhole = isRoot || isEmbedded(schema);
  const properties = propertiesOf(isWhole ? withHead(schema) : schema);
  if (properties.length === 0 && preserves(schema)) return DYN;
  return structOf(name, properties);
}

function mapOf({ type, types, toCel }: Shape): Shape {
  return {
    type: `map<string, ${type}>`,
    types,
    toCel: (json) =>
      Object.fromEntries(
        Object.entries(json as JsonObject).map(([key, each]) => [key, toCel(each)]),
      ),
  };
}

const TEXT = { type: "string" } as const;

/** Of its metadata a rule may name the object's name alone. */
function withHead(schema: Schema): Schema {
  const metadata = { type: "object", properties: { name: TEXT, generateName: TEXT } };
  const head = { apiVersion: TEXT, kind: TEXT, metadata };
  return { ...schema, properties: { ...schema.properties, ...head } };
}

function structOf(name: string, properties: readonly (readonly [string, Schema])[]): Shape {
  // Values are told apart by their class.
  const ctor = class {};
  const fields = properties.flatMap(([field, schema]) => {
    const escaped = escapedName(field);
    if (escaped === undefined) return [];
    return [{ field, escaped, shape: shapeOf(schema, `${name}.${escaped}`) }];
  });
  const type: ObjectType = {
    name,
    ctor,
    fields: Object.fromEntries(fields.map(({ escaped, shape }) => [escaped, shape.type])),
  };
  return {
    type: name,
    types: [...fields.flatMap(({ shape }) => shape.types), type],
    toCel: (json) => {
      const made = new ctor() as Record<string, unknown>;
      if (!isObject(json)) return made;
      for (const { escaped, field, shape } of fields) {
        const value = Object.hasOwn(json, field) ? json[field] : undefined;
        // A null where the schema takes one is to CEL as if nothing were there.
        if (value !== undefined && value !== null) made[escaped] = shape.toCel(value);
      }
      return made;
    },
  };
}
