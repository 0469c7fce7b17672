import type { JsonObject, JsonValue } from "#proto";
import { type Field, type Message, TYPE } from "../schema.ts";
import { groupVersionOf, messageNamed } from "../tables.ts";
import { type CustomSchema, customSchemas } from "./custom.ts";
import { referenceOf, schemaName } from "./schema-name.ts";
import { type Dialect, specialSchema } from "./special-schemas.ts";

/** Message name → [its text, field → text]. */
export type Docs = ReadonlyMap<string, readonly [string, Readonly<Record<string, string>>]>;

interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

const PLAIN: ReadonlyMap<number, JsonObject> = new Map<number, JsonObject>([
  [TYPE.string, { type: "string" }],
  [TYPE.int32, { type: "integer", format: "int32" }],
  [TYPE.int64, { type: "integer", format: "int64" }],
  [TYPE.bool, { type: "boolean" }],
  [TYPE.bytes, { type: "string", format: "byte" }],
  [TYPE.any, {}],
  [TYPE.slice, { type: "array", items: { type: "string" } }],
]);

const APIVERSION_DOC = "Which version of which group this object is written in.";
const KIND_DOC = "What this object is; with apiVersion it says how to read the rest.";

/** Collects the schemas that documents refer to, each once. */
export class SchemaSet {
  readonly schemas = new Map<string, JsonObject>();
  readonly #dialect: Dialect;
  readonly #docs: Docs;
  readonly #served: readonly GroupVersion[];

  /** `served` are the group versions in which kinds such as DeleteOptions appear. */
  constructor(dialect: Dialect, docs: Docs, served: readonly GroupVersion[]) {
    this.#dialect = dialect;
    this.#docs = docs;
    this.#served = served;
  }

  /** From here on its name can be referred to as a message's can. */
  addCustom(custom: CustomSchema): void {
    const built = customSchemas(
      custom,
      this.#dialect,
      (message) => this.reference(message),
      (name) => this.#ref(name),
    );
    for (const [name, schema] of built) this.schemas.set(name, schema);
  }

  /** `core.v1.Pod` → `{"$ref": …}`, and the schema is in the set with all that it holds. */
  reference(messageName: string): JsonObject {
    if (this.schemas.has(messageName)) return this.#ref(messageName);
    const message = messageNamed(messageName);
    if (message !== undefined) this.#add(message);
    return this.#ref(schemaName(messageName));
  }

  sorted(): JsonObject {
    return Object.fromEntries([...this.schemas].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  #ref(name: string): JsonObject {
    return {
      $ref: `${this.#dialect === "v2" ? "#/definitions/" : "#/components/schemas/"}${name}`,
    };
  }

  #add(message: Message): void {
    const name = schemaName(message.name);
    if (this.schemas.has(name)) return;
    // Entered before its fields: messages may hold themselves.
    this.schemas.set(name, {});
    this.schemas.set(name, this.#schema(message));
  }

  #schema(message: Message): JsonObject {
    const [description = "", docs = {}] = this.#docs.get(message.name) ?? [];
    const properties: Record<string, JsonValue> = {};
    if (message.isTyped) {
      properties["apiVersion"] = { description: APIVERSION_DOC, type: "string" };
      properties["kind"] = { description: KIND_DOC, type: "string" };
    }
    this.#collect(message, docs, properties);
    const required = message.fields.filter((field) => field.isRequired).map((field) => field.name);
    const kinds = message.isKind ? this.#kindsOf(message) : [];
    return {
      ...(description === "" ? {} : { description }),
      type: "object",
      ...(Object.keys(properties).length === 0 ? {} : { properties }),
      ...(required.length === 0 ? {} : { required: required.toSorted() }),
      ...(message.structType === undefined ? {} : { "x-kubernetes-map-type": message.structType }),
      ...(kinds.length === 0 ? {} : { "x-kubernetes-group-version-kind": kinds }),
    };
  }

  /** Documentation of an inlined message's fields stands with that message. */
  #collect(
    message: Message,
    docs: Readonly<Record<string, string>>,
    properties: Record<string, JsonValue>,
  ): void {
    for (const field of message.own) {
      if (field.isInline && field.message !== undefined) {
        const [, inlined = {}] = this.#docs.get(field.message.name) ?? [];
        this.#collect(field.message, inlined, properties);
      } else {
        properties[field.name] = this.#property(field, docs[field.name]);
      }
    }
  }

  #property(field: Field, doc: string | undefined): JsonObject {
    const description = doc === undefined ? {} : { description: doc };
    const value = this.#value(field);
    const shape = this.#shape(field, value);
    return { ...description, ...shape, ...this.#defaultOf(field), ...extensionsOf(field) };
  }

  #shape(field: Field, value: JsonObject): JsonObject {
    if (field.isList) return { type: "array", items: value };
    if (field.isMap) return { type: "object", additionalProperties: value };
    // What stands beside a $ref is ignored in OpenAPI 3.0, so it goes into allOf.
    return this.#dialect === "v3" && value["$ref"] !== undefined ? { allOf: [value] } : value;
  }

  #value(field: Field): JsonObject {
    const name = referenceOf(field);
    if (name === undefined) {
      const plain = PLAIN.get(field.type) ?? {};
      return field.values === undefined ? plain : { ...plain, enum: [...field.values].toSorted() };
    }
    if (field.message !== undefined) this.#add(field.message);
    else this.schemas.set(name, specialSchema(name, this.#dialect) ?? {});
    return this.#ref(name);
  }

  /** v2 has none: older clients would take them for values that the user wrote. */
  #defaultOf(field: Field): JsonObject {
    const isConstant = field.defaultValue !== undefined && field.defaultWhen === undefined;
    return this.#dialect === "v3" && isConstant ? { default: field.defaultValue ?? null } : {};
  }

  #kindsOf(message: Message): readonly JsonObject[] {
    const dot = message.name.lastIndexOf(".");
    const kind = message.name.slice(dot + 1);
    const pack = message.name.slice(0, dot);
    if (pack !== "meta.v1") {
      const of = groupVersionOf(pack);
      return of === undefined ? [] : [{ group: of.group, kind, version: of.version }];
    }
    if (!EVERYWHERE.has(kind)) return [{ group: "", kind, version: "v1" }];
    return this.#served.map(({ group, version }) => ({ group, kind, version }));
  }
}

const EVERYWHERE = new Set(["DeleteOptions", "WatchEvent"]);

function extensionsOf(field: Field): JsonObject {
  return {
    ...(field.mapKeys.length > 0 ? { "x-kubernetes-list-map-keys": field.mapKeys } : {}),
    ...(field.listType === undefined ? {} : { "x-kubernetes-list-type": field.listType }),
    ...(field.structType === undefined ? {} : { "x-kubernetes-map-type": field.structType }),
    ...(field.mergeKey === undefined ? {} : { "x-kubernetes-patch-merge-key": field.mergeKey }),
    ...(field.patchStrategy.length > 0
      ? { "x-kubernetes-patch-strategy": field.patchStrategy.join(",") }
      : {}),
  };
}
