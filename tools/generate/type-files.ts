/** TypeScript types in JSON shape: one file a group version. */
import type {
  FieldDescription,
  GroupVersionDescription,
  MessageDescription,
} from "./description.ts";

/** Always there on a stored object, though Go may leave them out of one that is not stored yet. */
const META_REQUIRED = new Set(["name", "uid", "resourceVersion", "creationTimestamp"]);

const JSON_TYPES: Readonly<Record<string, string>> = {
  string: "string",
  int32: "number",
  int64: "number",
  bool: "boolean",
  bytes: "string",
  quantity: "string",
  intOrString: "number | string",
  time: "string",
  microTime: "string",
  duration: "string",
  raw: "JsonValue",
  fields: "JsonObject",
  any: "JsonValue",
};

/** Path below `proto/gen/types` → text. */
export function typeFiles(groupVersions: readonly GroupVersionDescription[]): Map<string, string> {
  const closed = new Set(
    groupVersions.flatMap(({ pack, stringTypes }) =>
      stringTypes.filter((type) => type.closed).map((type) => `${pack}.${type.name}`),
    ),
  );
  return new Map(
    groupVersions.map((groupVersion) => [
      `types/${groupVersion.pack.replace(".", "/")}.ts`,
      new TypeFile(groupVersion, closed).text(),
    ]),
  );
}

class TypeFile {
  readonly #groupVersion: GroupVersionDescription;
  readonly #closed: ReadonlySet<string>;
  readonly #imports = new Map<string, Set<string>>();
  readonly #jsonTypes = new Set<string>();

  constructor(groupVersion: GroupVersionDescription, closed: ReadonlySet<string>) {
    this.#groupVersion = groupVersion;
    this.#closed = closed;
  }

  text(): string {
    const { stringTypes, mapTypes, sameAs, messages } = this.#groupVersion;
    const parts = [
      ...stringTypes
        .filter((type) => type.closed)
        .map(({ name, values }) => `export type ${name} = ${values.map(quote).join(" | ")};`),
      ...mapTypes.map(({ name }) => `export type ${name} = Readonly<Record<string, string>>;`),
      ...sameAs
        .filter((same) => !this.#isOpenString(same.as))
        .map((same) => this.#alias(same.name, same.as)),
      ...messages.map((message) => this.#message(message)),
    ];
    return `${[...this.#head(), ...parts].join("\n")}\n`;
  }

  #head(): string[] {
    const lines = ["// Made by tools/generate.ts from the API description."];
    if (this.#jsonTypes.size > 0) {
      lines.push(`import type { ${[...this.#jsonTypes].toSorted().join(", ")} } from "#proto";`);
    }
    for (const pack of [...this.#imports.keys()].toSorted()) {
      const names = [...(this.#imports.get(pack) ?? [])].toSorted().join(", ");
      lines.push(`import type { ${names} } from "#proto/${pack.replace(".", "/")}";`);
    }
    return lines;
  }

  #isOpenString(fullName: string): boolean {
    if (this.#closed.has(fullName)) return false;
    return OPEN_STRINGS.has(fullName);
  }

  #alias(name: string, fullName: string): string {
    const { pack, local } = partsOf(fullName);
    if (pack === this.#groupVersion.pack) return `export type ${name} = ${local};`;
    return `export type { ${local === name ? name : `${local} as ${name}`} } from "#proto/${pack.replace(".", "/")}";`;
  }

  #message(message: MessageDescription): string {
    const doc = jsDoc(message.doc, message.isDeprecated, "");
    const [items] = message.fields;
    if (message.rules.slice && items !== undefined) {
      return `${doc}export type ${message.name} = readonly ${this.#type(items)}[];`;
    }
    const lines = this.#members(message);
    if (message.rules.typed) {
      lines.unshift("  readonly apiVersion: string;", "  readonly kind: string;");
    }
    return `${doc}export interface ${message.name} {\n${lines.join("\n")}\n}`;
  }

  #members(message: MessageDescription): string[] {
    return message.fields.flatMap((field) => {
      if (field.rules.inline)
        return field.message === undefined ? [] : this.#members(field.message);
      const isRequired =
        isAlwaysThere(field) ||
        (message.fullName === "meta.v1.ObjectMeta" && META_REQUIRED.has(field.json));
      const name = /^[A-Za-z_$][\w$]*$/.test(field.json) ? field.json : quote(field.json);
      const doc = jsDoc(field.doc, field.isDeprecated, "  ");
      return [`${doc}  readonly ${name}${isRequired ? "" : "?"}: ${this.#fieldType(field)};`];
    });
  }

  #fieldType(field: FieldDescription): string {
    if (field.rules.mapType !== "") return this.#name(field.rules.mapType);
    const type = this.#type(field);
    if (field.isMap) return `Readonly<Record<string, ${type}>>`;
    if (!field.isList) return type;
    return type.includes(" ") ? `readonly (${type})[]` : `readonly ${type}[]`;
  }

  #type(field: FieldDescription): string {
    if (this.#closed.has(field.rules.stringType)) return this.#name(field.rules.stringType);
    if (field.message !== undefined) return this.#name(field.message.fullName);
    const type = JSON_TYPES[field.type] ?? "never";
    if (type.startsWith("Json")) this.#jsonTypes.add(type);
    return type;
  }

  #name(fullName: string): string {
    const { pack, local } = partsOf(fullName);
    if (pack === this.#groupVersion.pack) return local;
    // A type of another group version may have the name of one of ours: authentication's UserInfo.
    const isTaken = this.#groupVersion.messages.some((message) => message.name === local);
    const name = isTaken ? `${local}Of${pack.replace(".", "").toUpperCase()}` : local;
    const entry = isTaken ? `${local} as ${name}` : local;
    const names = this.#imports.get(pack);
    if (names === undefined) this.#imports.set(pack, new Set([entry]));
    else names.add(entry);
    return name;
  }
}

/** Names that other group versions have for strings without a closed list: plain strings here. */
const OPEN_STRINGS = new Set([
  "meta.v1.RowConditionType",
  "meta.v1.ConditionStatus",
  "meta.v1.IncludeObjectPolicy",
]);

/** Go writes it whatever its value: a struct that is no pointer, or a field without omitempty. */
function isAlwaysThere(field: FieldDescription): boolean {
  if (field.isPointer || field.rules.omitZero) return false;
  const isStruct =
    field.type === "message" && !field.isList && !field.isMap && !field.message?.rules.slice;
  return isStruct || field.rules.always;
}

function partsOf(fullName: string): { pack: string; local: string } {
  const at = fullName.lastIndexOf(".");
  return { pack: fullName.slice(0, at), local: fullName.slice(at + 1) };
}

function jsDoc(doc: string, isDeprecated: boolean, indent: string): string {
  const lines = doc === "" ? [] : doc.split("\n");
  if (isDeprecated) lines.push("@deprecated");
  if (lines.length === 0) return "";
  const safe = lines.map((line) => line.replaceAll("*/", "*\\/"));
  if (safe.length === 1) return `${indent}/** ${safe[0]} */\n`;
  return `${indent}/**\n${safe.map((line) => `${indent} * ${line}\n`).join("")}${indent} */\n`;
}

function quote(text: string): string {
  return JSON.stringify(text);
}
