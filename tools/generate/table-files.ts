/** The tables that drive the codec: short rows as JSON text, so that a program parses only what it meets. */
import type {
  FieldDescription,
  GroupVersionDescription,
  MessageDescription,
} from "./description.ts";

/** The same numbers as in proto/codec/schema.ts. */
const TYPES: Readonly<Record<string, number>> = {
  string: 0,
  int32: 1,
  int64: 2,
  bool: 3,
  bytes: 4,
  message: 5,
  quantity: 6,
  intOrString: 7,
  time: 8,
  microTime: 9,
  duration: 10,
  raw: 11,
  fields: 12,
  any: 13,
  slice: 14,
};

export function tableFiles(groupVersions: readonly GroupVersionDescription[]): Map<string, string> {
  const rows = groupVersions.map((one): [string, string] => [one.pack, JSON.stringify(table(one))]);
  const docs = groupVersions.map((one): [string, string] => [
    one.pack,
    JSON.stringify(docsOf(one)),
  ]);
  const kinds = groupVersions.map((one): [string, string[]] => [
    `${one.group}/${one.version}`,
    [one.pack, ...one.messages.filter((message) => message.rules.kind).map(({ name }) => name)],
  ]);
  return new Map([
    ["tables/tables.ts", constant("TABLES", rows)],
    ["tables/docs.ts", constant("DOCS", docs)],
    [
      "tables/kinds.ts",
      `// Made by tools/generate.ts.\n/** "group/version" → the package, then its kinds. */\nexport const KINDS: Readonly<Record<string, readonly string[]>> = ${JSON.stringify(Object.fromEntries(kinds), null, 1)};\n`,
    ],
  ]);
}

function constant(name: string, rows: readonly [string, string][]): string {
  const lines = rows.map(([key, text]) => `  ${JSON.stringify(key)}: ${JSON.stringify(text)},\n`);
  return `// Made by tools/generate.ts.\nexport const ${name}: Readonly<Record<string, string>> = {\n${lines.join("")}};\n`;
}

function table(one: GroupVersionDescription): unknown {
  return {
    group: one.group,
    version: one.version,
    strings: Object.fromEntries(
      one.stringTypes.map(({ name, closed, values }) => [name, [closed ? 1 : 0, values]]),
    ),
    messages: Object.fromEntries(
      one.messages.map((message) => [message.name, messageRow(message)]),
    ),
  };
}

function messageRow(message: MessageDescription): unknown[] {
  const { rules } = message;
  const flags = bits([rules.typed, rules.slice, rules.jsonOnly, rules.union, message.isDeprecated]);
  const more = nonEmpty({
    kind: rules.kind === undefined ? undefined : (nonEmpty(ownStrings(rules.kind)) ?? {}),
    structType: rules.structType,
  });
  const row: unknown[] = [flags, message.fields.map(fieldRow)];
  if (more !== undefined) row.push(more);
  return row;
}

function fieldRow(field: FieldDescription): unknown[] {
  const { rules } = field;
  const flags = bits([
    field.isList,
    field.isMap,
    field.isPointer,
    rules.inline,
    rules.always,
    rules.omitZero,
    rules.required,
    field.isDeprecated,
    rules.discriminator,
  ]);
  const isSlice = field.message?.rules.slice === true;
  const row: unknown[] = [
    field.json,
    field.number,
    TYPES[isSlice ? "slice" : field.type],
    flags,
    field.message?.fullName ?? "",
  ];
  const more = nonEmpty({
    default: rules.default === undefined ? undefined : parsedDefault(field, rules.default),
    when: rules.defaultWhen,
    string: rules.stringType,
    key: rules.keyType,
    listType: rules.listType,
    mapKeys: rules.mapKeys,
    patch: rules.patchStrategy,
    mergeKey: rules.mergeKey,
    structType: rules.structType,
    gate: rules.featureGate,
    oneOf: rules.oneOf,
    zeroOrOneOf: rules.zeroOrOneOf,
    rules: rules.rules,
  });
  if (more !== undefined) row.push(more);
  return row;
}

/** Strings stand as they are; all else is JSON, or a word for an int-or-string such as `25%`. */
function parsedDefault(field: FieldDescription, text: string): unknown {
  if (field.type === "string" && !field.isList && !field.isMap) return text;
  if (field.type === "intOrString" && !/^\d+$/.test(text)) return text;
  return JSON.parse(text);
}

function docsOf(one: GroupVersionDescription): unknown {
  const documented = one.messages.flatMap((message) => {
    const fields = message.fields
      .filter((field) => field.doc !== "")
      .map((field) => [field.json, field.doc]);
    if (message.doc === "" && fields.length === 0) return [];
    return [[message.name, [message.doc, Object.fromEntries(fields)]]];
  });
  return Object.fromEntries(documented);
}

function bits(flags: readonly boolean[]): number {
  return flags.reduce((sum, flag, at) => sum | (flag ? 1 << at : 0), 0);
}

function ownStrings(message: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(message).filter(
      ([key, value]) => typeof value === "string" && !key.startsWith("$"),
    ),
  );
}

/** Without what is empty; undefined when nothing is left. */
function nonEmpty(values: Record<string, unknown>): Record<string, unknown> | undefined {
  const left = Object.entries(values).filter(
    ([key, value]) =>
      value !== undefined &&
      (key === "default" || value !== "") &&
      !(key !== "default" && Array.isArray(value) && value.length === 0),
  );
  return left.length === 0 ? undefined : Object.fromEntries(left);
}
