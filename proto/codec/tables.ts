/** Reads the generated tables: a group version's text when it is first asked for, a message when it is first met. */
import type { JsonValue } from "#proto";
import { KINDS } from "../gen/tables/kinds.ts";
import { TABLES } from "../gen/tables/tables.ts";
import {
  type DefaultCondition,
  type Field,
  type ListType,
  type Message,
  type Slot,
  TYPE,
  type TypeCode,
} from "./schema.ts";

type FieldRow = readonly [
  name: string,
  number: number,
  type: TypeCode,
  flags: number,
  message: string,
  more?: FieldMore,
];

interface FieldMore {
  readonly default?: JsonValue;
  readonly when?: string;
  readonly string?: string;
  readonly listType?: ListType;
  readonly mapKeys?: readonly string[];
  readonly patch?: readonly string[];
  readonly mergeKey?: string;
  readonly structType?: "atomic" | "granular";
  readonly gate?: string;
  readonly oneOf?: string;
  readonly zeroOrOneOf?: string;
  readonly rules?: readonly string[];
}

interface MessageMore {
  readonly kind?: { readonly listOf?: string };
  readonly structType?: "atomic" | "granular";
}

type MessageRow = readonly [flags: number, fields: readonly FieldRow[], more?: MessageMore];

interface Table {
  readonly group: string;
  readonly version: string;
  readonly strings: Readonly<Record<string, readonly [closed: number, values: readonly string[]]>>;
  readonly messages: Readonly<Record<string, MessageRow>>;
}

/** Every group version has these, though they are described once. */
const EVERYWHERE = new Set([
  "CreateOptions",
  "DeleteOptions",
  "GetOptions",
  "ListOptions",
  "PatchOptions",
  "UpdateOptions",
  "WatchEvent",
]);
/** These go by `v1` alone. */
const UNVERSIONED = new Set([
  "APIGroup",
  "APIGroupList",
  "APIResourceList",
  "APIVersions",
  "Status",
]);

const META_BETA = "meta.k8s.io/v1beta1";

const tables = new Map<string, Table>();
const messages = new Map<string, Message>();

/** Undefined for a kind that the description does not have. */
export function schemaOf(apiVersion: string, kind: string): Message | undefined {
  if (EVERYWHERE.has(kind)) return messageNamed(`meta.v1.${kind}`);
  if (apiVersion === "v1" && UNVERSIONED.has(kind)) return messageNamed(`meta.v1.${kind}`);
  // The metadata of objects and lists of it are the same in both versions.
  if (apiVersion === META_BETA) return messageNamed(`meta.v1.${kind}`);
  const [pack] = KINDS[apiVersion.includes("/") ? apiVersion : `/${apiVersion}`] ?? [];
  return pack === undefined ? undefined : messageNamed(`${pack}.${kind}`);
}

/** `core.v1.PodSpec`. */
export function messageNamed(fullName: string): Message | undefined {
  const known = messages.get(fullName);
  if (known !== undefined) return known;
  const dot = fullName.lastIndexOf(".");
  const table = tableOf(fullName.slice(0, dot));
  const row = table?.messages[fullName.slice(dot + 1)];
  if (row === undefined) return undefined;
  const message = new MessageEntry(fullName, row);
  messages.set(fullName, message);
  return message;
}

/** `core.v1` → group "" and version "v1". */
export function groupVersionOf(pack: string): { group: string; version: string } | undefined {
  const table = tableOf(pack);
  return table && { group: table.group, version: table.version };
}

function tableOf(pack: string): Table | undefined {
  const known = tables.get(pack);
  if (known !== undefined) return known;
  const text = TABLES[pack];
  if (text === undefined) return undefined;
  const table = JSON.parse(text) as Table;
  tables.set(pack, table);
  return table;
}

class MessageEntry implements Message {
  readonly name: string;
  readonly isTyped: boolean;
  readonly isKind: boolean;
  readonly isSlice: boolean;
  readonly isJsonOnly: boolean;
  readonly isUnion: boolean;
  readonly isDeprecated: boolean;
  readonly structType: "atomic" | "granular" | undefined;
  readonly listOf: string | undefined;
  readonly own: readonly Field[];
  readonly descending: readonly Field[];
  readonly #hasDefaults = new Map<Message, boolean>();
  #fields: readonly Field[] | undefined;
  #byName: ReadonlyMap<string, Field> | undefined;
  #slots: readonly (Slot | undefined)[] | undefined;
  #defaulting: readonly Field[] | undefined;

  constructor(name: string, [flags, fields, more]: MessageRow) {
    this.name = name;
    this.isTyped = (flags & 1) !== 0;
    this.isSlice = (flags & 2) !== 0;
    this.isJsonOnly = (flags & 4) !== 0;
    this.isUnion = (flags & 8) !== 0;
    this.isDeprecated = (flags & 16) !== 0;
    this.isKind = more?.kind !== undefined;
    this.listOf = more?.kind?.listOf;
    this.structType = more?.structType;
    this.own = fields.map((row) => new FieldEntry(row));
    this.descending = this.own.toSorted((a, b) => b.number - a.number);
  }

  get fields(): readonly Field[] {
    this.#fields ??= this.own.flatMap((field) =>
      field.isInline ? (field.message?.fields ?? []) : [field],
    );
    return this.#fields;
  }

  get byName(): ReadonlyMap<string, Field> {
    this.#byName ??= new Map(this.fields.map((field) => [field.name, field]));
    return this.#byName;
  }

  get slots(): readonly (Slot | undefined)[] {
    this.#slots ??= slotsOf(this.own);
    return this.#slots;
  }

  get defaulting(): readonly Field[] {
    this.#defaulting ??= this.fields.filter(
      (field) =>
        field.defaultValue !== undefined ||
        isComputed(field) ||
        (field.message !== undefined && hasDefaults(field.message, this.#hasDefaults)),
    );
    return this.#defaulting;
  }
}

/** The one default that no constant can give: it follows from the image's tag. */
export function isComputed(field: Field): boolean {
  return field.name === "imagePullPolicy";
}

/** Messages may hold themselves, so a message that is being looked at counts as having none. */
function hasDefaults(message: Message, known: Map<Message, boolean>): boolean {
  const answer = known.get(message);
  if (answer !== undefined) return answer;
  known.set(message, false);
  const found = message.fields.some(
    (field) =>
      field.defaultValue !== undefined ||
      isComputed(field) ||
      (field.message !== undefined && hasDefaults(field.message, known)),
  );
  known.set(message, found);
  return found;
}

function slotsOf(own: readonly Field[]): readonly (Slot | undefined)[] {
  const slots: (Slot | undefined)[] = [];
  let at = 0;
  for (const field of own) {
    slots[field.number] = { field, at };
    at += field.isInline ? (field.message?.fields.length ?? 0) : 1;
  }
  // Without holes, so that V8 keeps it a plain array.
  return Array.from(slots, (slot) => slot);
}

class FieldEntry implements Field {
  readonly name: string;
  readonly number: number;
  readonly type: TypeCode;
  readonly isList: boolean;
  readonly isMap: boolean;
  readonly isPointer: boolean;
  readonly isInline: boolean;
  readonly isStruct: boolean;
  readonly isAlways: boolean;
  readonly isRequired: boolean;
  readonly isDeprecated: boolean;
  readonly isDiscriminator: boolean;
  readonly defaultValue: JsonValue | undefined;
  readonly defaultWhen: DefaultCondition | undefined;
  readonly values: readonly string[] | undefined;
  readonly listType: ListType | undefined;
  readonly mapKeys: readonly string[];
  readonly patchStrategy: readonly string[];
  readonly mergeKey: string | undefined;
  readonly structType: "atomic" | "granular" | undefined;
  readonly oneOf: string | undefined;
  readonly zeroOrOneOf: string | undefined;
  readonly featureGate: string | undefined;
  readonly rules: readonly string[];
  readonly #messageName: string;
  #message: Message | undefined;

  constructor([name, number, type, flags, messageName, more = {}]: FieldRow) {
    this.name = name;
    this.number = number;
    this.type = type;
    this.isList = (flags & 1) !== 0;
    this.isMap = (flags & 2) !== 0;
    this.isPointer = (flags & 4) !== 0;
    this.isInline = (flags & 8) !== 0;
    this.isAlways = (flags & 16) !== 0;
    this.isRequired = (flags & 64) !== 0;
    this.isDeprecated = (flags & 128) !== 0;
    this.isDiscriminator = (flags & 256) !== 0;
    // Bit 5 is Go's omitzero: such a struct may be absent after all.
    this.isStruct = type === TYPE.message && (flags & (1 | 2 | 4 | 8 | 32)) === 0;
    this.defaultValue = more.default;
    this.defaultWhen = more.when === undefined ? undefined : parseCondition(more.when);
    this.values = more.string === undefined ? undefined : closedValues(more.string);
    this.listType = more.listType;
    this.mapKeys = more.mapKeys ?? [];
    this.patchStrategy = more.patch ?? [];
    this.mergeKey = more.mergeKey;
    this.structType = more.structType;
    this.oneOf = more.oneOf;
    this.zeroOrOneOf = more.zeroOrOneOf;
    this.featureGate = more.gate;
    this.rules = more.rules ?? [];
    this.#messageName = messageName;
  }

  get message(): Message | undefined {
    if (this.#message !== undefined) return this.#message;
    if (this.#messageName === "") return undefined;
    this.#message = messageNamed(this.#messageName);
    return this.#message;
  }
}

/** `type=NodePort|LoadBalancer`. */
function parseCondition(text: string): DefaultCondition {
  const at = text.indexOf("=");
  return { field: text.slice(0, at), values: text.slice(at + 1).split("|") };
}

function closedValues(fullName: string): readonly string[] | undefined {
  const dot = fullName.lastIndexOf(".");
  const entry = tableOf(fullName.slice(0, dot))?.strings[fullName.slice(dot + 1)];
  return entry?.[0] === 1 ? entry[1] : undefined;
}
