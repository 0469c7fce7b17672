/** Custom kinds in the documents: their schemas are data, which definitions bring, not messages. */
import type { JsonObject, JsonValue } from "#proto";
import type { Resource } from "../../resources.ts";
import type { Dialect } from "./special-schemas.ts";

/** A row of the table of kinds with its schema. */
export interface CustomSchema extends Resource {
  /** As in the definition; undefined for one that says nothing. */
  readonly schema: JsonObject | undefined;
}

type Reference = (messageName: string) => JsonObject;

/** `com.example.shop.v1.Widget`; no message is called so. */
export function customName({ group, kind, version }: Omit<Resource, "phantom">): string {
  return `${group.split(".").toReversed().join(".")}.${version}.${kind}`;
}

/** The kind and its list, by their names. `reference` gives a `$ref` to a built-in message's schema. */
export function customSchemas(
  custom: CustomSchema,
  dialect: Dialect,
  reference: Reference,
  own: (name: string) => JsonObject,
): ReadonlyMap<string, JsonObject> {
  const { group, kind, schema = {}, version } = custom;
  const name = customName(custom);
  const written = dialect === "v2" ? plain(schema) : schema;
  const { properties = {}, ...rest } = written as { readonly properties?: JsonObject };
  const head = { apiVersion: APIVERSION, kind: KIND };
  const gvk = (of: string): JsonObject => ({
    "x-kubernetes-group-version-kind": [{ group, version, kind: of }],
  });
  const item = {
    ...properties,
    ...head,
    metadata: described(METADATA, dialect, reference("meta.v1.ObjectMeta")),
  };
  const list = {
    description: `A list of ${kind} objects.`,
    type: "object",
    required: ["items"],
    properties: {
      ...head,
      metadata: described(METADATA, dialect, reference("meta.v1.ListMeta")),
      items: { description: "The objects.", type: "array", items: own(name) },
    },
    ...gvk(`${kind}List`),
  };
  return new Map<string, JsonObject>([
    [name, { ...rest, type: "object", properties: item, ...gvk(kind) }],
    [`${name}List`, list],
  ]);
}

const APIVERSION = {
  description: "Which version of which group this object is written in.",
  type: "string",
};
const KIND = {
  description: "What this object is; with apiVersion it says how to read the rest.",
  type: "string",
};
const METADATA = "Name, labels and what else every object has.";

/** What stands beside a $ref is ignored in OpenAPI 3.0, so it goes into allOf. */
function described(description: string, dialect: Dialect, reference: JsonObject): JsonObject {
  return dialect === "v3" ? { description, allOf: [reference] } : { description, ...reference };
}

const V2_WORDS = new Set(["description", "enum", "format", "required", "title", "type"]);

/** What the older form can say; clients that read it take the rest for errors. */
function plain(schema: JsonObject): JsonObject {
  const out: Record<string, JsonValue> = {};
  for (const [word, value] of Object.entries(schema)) {
    if (V2_WORDS.has(word) || word.startsWith("x-kubernetes-")) out[word] = value;
    else if (word === "items") out[word] = plain(value as JsonObject);
    else if (word === "properties") out[word] = eachPlain(value as JsonObject);
    else if (word === "additionalProperties")
      out[word] = typeof value === "boolean" ? {} : plain(value as JsonObject);
  }
  // Its clients do not look for fields where anything may stand.
  if (schema["x-kubernetes-preserve-unknown-fields"] === true) delete out["properties"];
  return out;
}

function eachPlain(schemas: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, plain(schema as JsonObject)]),
  );
}
