import type { JsonValue } from "#proto";

/** How a value is written. Numbers, so that the codec's switch is a jump. tools/generate has the same. */
export const TYPE = {
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
  /** Any JSON, kept as it is: RawExtension. */
  raw: 11,
  /** A JSON object, kept as it is: FieldsV1. */
  fields: 12,
  /** Any JSON that has no protobuf form. */
  any: 13,
  /** A message that is a plain list of strings in JSON: ExtraValue. */
  slice: 14,
} as const;
export type TypeCode = (typeof TYPE)[keyof typeof TYPE];

export type ListType = "atomic" | "set" | "map";

/** A default that holds only where a sibling has one of these values. */
export interface DefaultCondition {
  readonly field: string;
  readonly values: readonly string[];
}

/** One field of a message, as JSON and protobuf see it. */
export interface Field {
  /** In JSON. For an inlined message, whose fields stand in its parent, the name that protobuf has. */
  readonly name: string;
  /** In protobuf. Fields of `any` type have numbers, but never travel so. */
  readonly number: number;
  readonly type: TypeCode;
  /** Of the message, for `message` and `slice`; found on first use. */
  readonly message: Message | undefined;
  readonly isList: boolean;
  /** Values by string keys; `type` is the values'. */
  readonly isMap: boolean;
  /** Absent and zero differ. */
  readonly isPointer: boolean;
  readonly isInline: boolean;
  /** A struct that is no pointer: there even when empty. */
  readonly isStruct: boolean;
  /** Written in JSON even when zero. */
  readonly isAlways: boolean;
  readonly isRequired: boolean;
  readonly isDeprecated: boolean;
  readonly isDiscriminator: boolean;
  readonly defaultValue: JsonValue | undefined;
  readonly defaultWhen: DefaultCondition | undefined;
  /** The closed set of values, or undefined. */
  readonly values: readonly string[] | undefined;
  readonly listType: ListType | undefined;
  readonly mapKeys: readonly string[];
  /** `merge`, `replace`, `retainKeys`: may be several. */
  readonly patchStrategy: readonly string[];
  readonly mergeKey: string | undefined;
  readonly structType: "atomic" | "granular" | undefined;
  readonly oneOf: string | undefined;
  readonly zeroOrOneOf: string | undefined;
  readonly featureGate: string | undefined;
  /** Declarative validation, as `minimum=0`. */
  readonly rules: readonly string[];
}

export interface Message {
  /** `core.v1.PodSpec`. */
  readonly name: string;
  /** JSON's fields in their order, those of inlined messages in place. */
  readonly fields: readonly Field[];
  /** The same by JSON name. */
  readonly byName: ReadonlyMap<string, Field>;
  /** Protobuf's fields: an inlined message is one. */
  readonly own: readonly Field[];
  /** Has apiVersion and kind of its own. */
  readonly isTyped: boolean;
  /** At the top of a request or an answer. */
  readonly isKind: boolean;
  readonly isSlice: boolean;
  /** Has no protobuf form. */
  readonly isJsonOnly: boolean;
  readonly isUnion: boolean;
  readonly isDeprecated: boolean;
  readonly structType: "atomic" | "granular" | undefined;
  /** For a list kind, what its items are: `core.v1.Pod`. */
  readonly listOf: string | undefined;
  /** Fields that have a default or hold one further down. */
  readonly defaulting: readonly Field[];
  /** Protobuf field number → where in `fields` its value goes. */
  readonly slots: readonly (Slot | undefined)[];
  /** `own` with the highest number first, since protobuf is written backwards. */
  readonly descending: readonly Field[];
}

export interface Slot {
  readonly field: Field;
  /** Index in the outermost message's `fields`; for an inlined message, of its first field. */
  readonly at: number;
}
