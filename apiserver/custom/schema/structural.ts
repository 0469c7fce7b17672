/**
 * Which schemas are structural: so plain that pruning, defaults and merging need nothing else.
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
 */
import { JsonDecoder, messageNamed } from "#codec";
import { assert } from "#lib/assert";
import type { JsonValue } from "#lib/json";
import { PatternError, patternOf } from "#lib/pattern";
import type { StatusCause } from "#lib/status-error";
import { type Causes, forbidden, invalid, required, unsupported } from "../../rules/causes.ts";
import { compileDefaults } from "./default.ts";
import { compilePrune } from "./prune.ts";
import {
  isEmbedded,
  isIntOrString,
  isObject,
  preserves,
  propertiesOf,
  type Schema,
  valuesOf,
} from "./schema.ts";
import { compileValidation } from "./validate.ts";

const TYPES = ["array", "boolean", "integer", "number", "object", "string"];
/** Never, anywhere: what they say cannot be told apart from what the rest says. */
const FORBIDDEN = [
  "$ref",
  "$schema",
  "additionalItems",
  "definitions",
  "dependencies",
  "id",
  "patternProperties",
];
/** Not within allOf, anyOf, oneOf and not: these only judge values, they do not shape them. */
const SHAPING = [
  "additionalProperties",
  "default",
  "description",
  "nullable",
  "title",
  "type",
  "x-kubernetes-embedded-resource",
  "x-kubernetes-int-or-string",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-list-type",
  "x-kubernetes-map-type",
  "x-kubernetes-preserve-unknown-fields",
] as const;
/** Deeper than any kind goes, so that compiling one cannot exhaust the stack. */
const DEPTH_MAX = 100;

/** Of a whole version's schema; nothing when it is structural. */
export function structuralProblems(schema: Schema, path: string): Causes {
  if (schema.type === undefined || schema.type === "")
    return [required(`${path}.type`, "must not be empty at the root")];
  if (schema.type !== "object")
    return [invalid(`${path}.type`, schema.type, "must be object at the root")];
  const causes: StatusCause[] = [];
  const place = { path, depth: 0, causes };
  if (schema.nullable)
    causes.push(forbidden(`${path}.nullable`, "nullable cannot be true at the root"));
  visit(schema, place);
  causes.push(...metadataProblems(schema, path));
  // Only what is well-formed can be compiled, to see whether the defaults are values of their own schema.
  if (causes.length === 0) defaultProblems(schema, place);
  return causes;
}

interface Place {
  readonly path: string;
  readonly depth: number;
  readonly causes: StatusCause[];
}

function within(place: Place, step: string): Place {
  return { path: `${place.path}.${step}`, depth: place.depth + 1, causes: place.causes };
}

function visit(schema: Schema, place: Place): void {
  const { causes, depth, path } = place;
  if (depth > DEPTH_MAX) {
    causes.push(forbidden(path, `must not nest deeper than ${DEPTH_MAX} levels`));
    return;
  }
  causes.push(
    ...typeProblems(schema, path),
    ...wordProblems(schema, path),
    ...listProblems(schema, path),
  );
  for (const [name, field] of propertiesOf(schema)) {
    const inner = within(place, `properties[${name}]`);
    if (!hasType(field))
      causes.push(required(`${inner.path}.type`, "must not be empty for specified object fields"));
    visit(field, inner);
  }
  const { items } = schema;
  if (items !== undefined) {
    const inner = within(place, "items");
    if (!hasType(items))
      causes.push(required(`${inner.path}.type`, "must not be empty for specified array items"));
    visit(items, inner);
  }
  visitValues(schema, place);
  for (const [word, alternative] of alternativesOf(schema))
    visitAlternative(alternative, schema, within(place, word));
}

function hasType(schema: Schema): boolean {
  return (schema.type ?? "") !== "" || isIntOrString(schema) || preserves(schema);
}

function visitValues(schema: Schema, place: Place): void {
  const given = schema.additionalProperties;
  if (given === undefined) return;
  const inner = within(place, "additionalProperties");
  if (propertiesOf(schema).length > 0)
    place.causes.push(
      forbidden(inner.path, "additionalProperties and properties are mutual exclusive"),
    );
  if (typeof given === "boolean") return;
  const problems = decodingProblems(given, inner.path);
  place.causes.push(...problems);
  if (problems.length > 0) return;
  const values = given as unknown as Schema;
  if (!hasType(values))
    place.causes.push(
      required(`${inner.path}.type`, "must not be empty for specified object fields"),
    );
  visit(values, inner);
}

/** A map's values may be a schema or a boolean, so they were not decoded with the rest. */
function decodingProblems(given: JsonValue, path: string): Causes {
  if (!isObject(given)) return [invalid(path, given, "must be a schema or a boolean")];
  const message = messageNamed("apiextensions.v1.JSONSchemaProps");
  assert(message !== undefined, "the API description has schemas");
  const decoder = new JsonDecoder();
  decoder.message(message, given);
  return decoder.problems.map((problem) =>
    invalid(`${path}.${problem.path}`, problem.value ?? "", problem.message),
  );
}

function typeProblems(schema: Schema, path: string): Causes {
  const { type = "" } = schema;
  const causes: StatusCause[] = [];
  if (type !== "" && !TYPES.includes(type)) causes.push(unsupported(`${path}.type`, type, TYPES));
  if (isIntOrString(schema) && type !== "")
    causes.push(
      forbidden(`${path}.type`, "must be undefined when x-kubernetes-int-or-string is true"),
    );
  if (isEmbedded(schema) && type !== "object")
    causes.push(
      invalid(`${path}.type`, type, "must be object if x-kubernetes-embedded-resource is true"),
    );
  if (isEmbedded(schema) && !preserves(schema) && propertiesOf(schema).length === 0)
    causes.push(
      required(
        `${path}.properties`,
        "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
      ),
    );
  if (schema["x-kubernetes-preserve-unknown-fields"] === false)
    causes.push(
      invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, "must be true or undefined"),
    );
  return causes;
}

function wordProblems(schema: Schema, path: string): Causes {
  const fields = schema as unknown as Readonly<Record<string, JsonValue | undefined>>;
  const causes: StatusCause[] = FORBIDDEN.filter((word) => isGiven(fields[word])).map((word) =>
    forbidden(`${path}.${word}`, `${word} is not supported`),
  );
  if (schema.uniqueItems)
    causes.push(
      forbidden(
        `${path}.uniqueItems`,
        "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
      ),
    );
  for (const word of ["maximum", "minimum", "multipleOf"]) {
    const value = fields[word];
    if (value !== undefined && typeof value !== "number")
      causes.push(invalid(`${path}.${word}`, value, "must be a number"));
  }
  try {
    if (schema.pattern) patternOf(schema.pattern);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    const why = `must be a valid regular expression, but isn't: ${error.message}`;
    causes.push(invalid(`${path}.pattern`, schema.pattern, why));
  }
  return causes;
}

function isGiven(value: JsonValue | undefined): boolean {
  if (value === undefined || value === "") return false;
  return !isObject(value) || Object.keys(value).length > 0;
}

function listProblems(schema: Schema, path: string): Causes {
  const type = schema["x-kubernetes-list-type"];
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const causes: StatusCause[] = [];
  const at = `${path}.x-kubernetes-list-map-keys`;
  if (type !== undefined && !["atomic", "map", "set"].includes(type))
    causes.push(unsupported(`${path}.x-kubernetes-list-type`, type, ["atomic", "map", "set"]));
  if (type !== undefined && schema.type !== "array")
    causes.push(
      invalid(
        `${path}.type`,
        schema.type ?? "",
        "must be array if x-kubernetes-list-type is specified",
      ),
    );
  if (schema.type === "array" && schema.items === undefined && !preserves(schema))
    causes.push(required(`${path}.items`, "must be specified"));
  if (type !== "map")
    return keys.length === 0
      ? causes
      : [...causes, forbidden(at, "must be empty if x-kubernetes-list-type is not map")];
  if (keys.length === 0)
    causes.push(required(at, "must not be empty if x-kubernetes-list-type is map"));
  for (const [index, key] of keys.entries())
    causes.push(...keyProblems(schema, key, `${at}[${index}]`, path));
  return causes;
}

function keyProblems(schema: Schema, key: string, at: string, path: string): Causes {
  const field = schema.items?.properties?.[key];
  if (field === undefined)
    return [invalid(at, key, "entries must all be names of item properties")];
  if (field.type === "object" || field.type === "array")
    return [invalid(at, key, "must have a scalar type")];
  const isThere = schema.items?.required?.includes(key) || field.default !== undefined;
  if (isThere) return [];
  return [
    required(
      `${path}.items.properties[${key}].default`,
      "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
    ),
  ];
}

function alternativesOf(schema: Schema): readonly (readonly [string, Schema])[] {
  const named = (word: string, all: readonly Schema[] = []) =>
    all.map((each, at) => [`${word}[${at}]`, each] as const);
  return [
    ...named("allOf", schema.allOf),
    ...named("anyOf", schema.anyOf),
    ...named("oneOf", schema.oneOf),
    ...(schema.not === undefined ? [] : [["not", schema.not] as const]),
  ];
}

/** `shape` is what stands at the same place in the schema proper: an alternative may only speak of what that knows. */
function visitAlternative(alternative: Schema, shape: Schema | undefined, place: Place): void {
  const { causes, depth, path } = place;
  if (depth > DEPTH_MAX) return;
  causes.push(...wordProblems(alternative, path));
  const fields = alternative as unknown as Readonly<Record<string, JsonValue | undefined>>;
  for (const word of SHAPING) {
    const value = fields[word];
    if (word === "type" && shape !== undefined && isIntOrString(shape)) continue;
    if (isGiven(value) && value !== false)
      causes.push(forbidden(`${path}.${word}`, "must be undefined to be structural"));
  }
  for (const [name, field] of propertiesOf(alternative)) {
    const known = shape?.properties?.[name] ?? valueSchemaOf(shape);
    const inner = within(place, `properties[${name}]`);
    if (known === undefined && shape !== undefined && !preserves(shape))
      causes.push(
        required(
          inner.path.replace(/\.(?:allOf|anyOf|oneOf|not)(?:\[\d+\])?/g, ""),
          `because it is defined in ${inner.path}`,
        ),
      );
    visitAlternative(field, known, inner);
  }
  if (alternative.items !== undefined)
    visitAlternative(alternative.items, shape?.items, within(place, "items"));
  for (const [word, each] of alternativesOf(alternative))
    visitAlternative(each, shape, within(place, word));
}

function valueSchemaOf(shape: Schema | undefined): Schema | undefined {
  const values = shape === undefined ? undefined : valuesOf(shape);
  return values === true ? undefined : values;
}

/** An object's metadata is every kind's own affair; its name alone may be judged. */
function metadataProblems(schema: Schema, path: string): Causes {
  const metadata = schema.properties?.["metadata"];
  const at = `${path}.properties[metadata]`;
  if (metadata === undefined) return [];
  if (metadata.type !== "object")
    return [invalid(`${at}.type`, metadata.type ?? "", "must be object")];
  return propertiesOf(metadata)
    .filter(([name]) => name !== "name" && name !== "generateName")
    .map(([name]) =>
      forbidden(
        `${at}.properties[${name}]`,
        "must not specify anything other than name and generateName, but metadata is implicitly specified",
      ),
    );
}

/** A default has to be a value that its own schema takes as it is. */
function defaultProblems(schema: Schema, place: Place): void {
  const value = schema.default;
  if (value !== undefined) {
    const at = `${place.path}.default`;
    const unknown: string[] = [];
    compilePrune(schema)(value, at, unknown);
    for (const field of unknown)
      place.causes.push(invalid(field, value, "must not have unknown fields"));
    const complete = compileDefaults(schema);
    compileValidation(schema)(
      complete === undefined ? value : complete(value),
      undefined,
      at,
      place.causes,
    );
  }
  for (const [name, field] of propertiesOf(schema))
    defaultProblems(field, within(place, `properties[${name}]`));
  if (schema.items !== undefined) defaultProblems(schema.items, within(place, "items"));
  const values = valueSchemaOf(schema);
  if (values !== undefined) defaultProblems(values, within(place, "additionalProperties"));
}
