/**
 * OpenAPI v2 as protobuf, in the messages of gnostic's openapi.v2 package (OpenAPIv2.proto): the only form that kubectl
 * asks for. Extensions and enum values travel as YAML, and JSON is YAML.
 */
import type { JsonObject, JsonValue } from "#proto";
import { ProtobufWriter } from "../protobuf-writer.ts";

/** Writes one value into a field that is already chosen. */
type Write = (writer: ProtobufWriter, number: number, value: JsonValue) => void;

interface Entry {
  readonly number: number;
  readonly write: Write;
}

/** Key → how it is written. `"x-"` stands for every key that starts so. */
type Shape = ReadonlyMap<string, Entry>;

export function gnosticDocument(document: JsonObject): Uint8Array {
  const writer = new ProtobufWriter();
  writeShape(writer, DOCUMENT, document);
  return writer.finish();
}

/** From the last field to the first, as the writer wants it. */
function writeShape(writer: ProtobufWriter, shape: Shape, value: JsonObject): void {
  const keys = Object.keys(value).filter((key) => shape.has(shapeKey(key)));
  keys.sort(
    (a, b) => (shape.get(shapeKey(b))?.number ?? 0) - (shape.get(shapeKey(a))?.number ?? 0),
  );
  for (const key of keys) {
    const entry = shape.get(shapeKey(key));
    const item = value[key];
    if (entry === undefined || item === undefined) continue;
    if (key.startsWith("x-")) named(any)(writer, entry.number, { [key]: item });
    else entry.write(writer, entry.number, item);
  }
}

function shapeKey(key: string): string {
  return key.startsWith("x-") ? "x-" : key;
}

const text: Write = (writer, number, value) => writer.field(number, String(value));

const flag: Write = (writer, number, value) => {
  writer.varint(value === true ? 1 : 0);
  writer.tag(number, 0);
};

const any: Write = (writer, number, value) => {
  const position = writer.position;
  writer.field(2, JSON.stringify(value));
  writer.close(number, position);
};

function message(shape: () => Shape): Write {
  return (writer, number, value) => {
    const position = writer.position;
    writeShape(writer, shape(), value as JsonObject);
    writer.close(number, position);
  };
}

/** A message with one field of interest around another. */
function inside(inner: number, write: Write): Write {
  return (writer, number, value) => {
    const position = writer.position;
    write(writer, inner, value);
    writer.close(number, position);
  };
}

function each(write: Write): Write {
  return (writer, number, value) => {
    for (const item of (value as readonly JsonValue[]).toReversed()) write(writer, number, item);
  };
}

/** A map becomes pairs of name and value. */
function named(write: Write): Write {
  return (writer, number, value) => {
    for (const [name, item] of Object.entries(value as JsonObject).toReversed()) {
      const position = writer.position;
      write(writer, 2, item);
      writer.field(1, name);
      writer.close(number, position);
    }
  };
}

/** Body, query and path parameters are three messages, each wrapped in what it is one of. */
const parameter: Write = (writer, number, value) => {
  const place = (value as JsonObject)["in"];
  if (place === "body") body(writer, number, value);
  else if (place === "path") pathParameter(writer, number, value);
  else query(writer, number, value);
};
const body = inside(
  1,
  inside(
    1,
    message(() => BODY),
  ),
);
const query = inside(
  1,
  inside(
    2,
    inside(
      3,
      message(() => QUERY),
    ),
  ),
);
const pathParameter = inside(
  1,
  inside(
    2,
    inside(
      4,
      message(() => PATH_PARAMETER),
    ),
  ),
);

function shapeOf(rows: Readonly<Record<string, readonly [number, Write]>>): Shape {
  return new Map(Object.entries(rows).map(([key, [number, write]]) => [key, { number, write }]));
}

const SCHEMA: Shape = shapeOf({
  $ref: [1, text],
  format: [2, text],
  title: [3, text],
  description: [4, text],
  required: [19, each(text)],
  enum: [20, each(any)],
  additionalProperties: [
    21,
    inside(
      1,
      message(() => SCHEMA),
    ),
  ],
  type: [22, inside(1, text)],
  items: [
    23,
    inside(
      1,
      message(() => SCHEMA),
    ),
  ],
  allOf: [24, each(message(() => SCHEMA))],
  properties: [25, inside(1, named(message(() => SCHEMA)))],
  "x-": [31, any],
});
const BODY: Shape = shapeOf({
  description: [1, text],
  name: [2, text],
  in: [3, text],
  required: [4, flag],
  schema: [5, message(() => SCHEMA)],
});
const QUERY: Shape = shapeOf({
  required: [1, flag],
  in: [2, text],
  description: [3, text],
  name: [4, text],
  type: [6, text],
  uniqueItems: [20, flag],
});
const PATH_PARAMETER: Shape = shapeOf({
  required: [1, flag],
  in: [2, text],
  description: [3, text],
  name: [4, text],
  type: [5, text],
  uniqueItems: [19, flag],
});
const RESPONSE: Shape = shapeOf({
  description: [1, text],
  schema: [
    2,
    inside(
      1,
      message(() => SCHEMA),
    ),
  ],
});
const OPERATION: Shape = shapeOf({
  tags: [1, each(text)],
  description: [3, text],
  operationId: [5, text],
  produces: [6, each(text)],
  consumes: [7, each(text)],
  parameters: [8, each(parameter)],
  responses: [
    9,
    inside(
      1,
      named(
        inside(
          1,
          message(() => RESPONSE),
        ),
      ),
    ),
  ],
  schemes: [10, each(text)],
  "x-": [13, any],
});
const PATH_ITEM: Shape = shapeOf({
  get: [2, message(() => OPERATION)],
  put: [3, message(() => OPERATION)],
  post: [4, message(() => OPERATION)],
  delete: [5, message(() => OPERATION)],
  patch: [8, message(() => OPERATION)],
  parameters: [9, each(parameter)],
});
const INFO: Shape = shapeOf({ title: [1, text], version: [2, text] });
const DOCUMENT: Shape = shapeOf({
  swagger: [1, text],
  info: [2, message(() => INFO)],
  paths: [8, inside(2, named(message(() => PATH_ITEM)))],
  definitions: [9, inside(1, named(message(() => SCHEMA)))],
});
