import type { JsonValue } from "#lib/json";

/** How a value is written. Numbers, so that the codec's switch is a jump. */
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
  /** A message that is a plain list in JSON: ExtraValue. */
  slice: 14,
} as const;
export type TypeCode = (typeof TYPE)[keyof typeof TYPE];

/** One field of a message, as JSON and protobuf see it. */
export interface Field {
  /** In JSON. "" for an inlined message, whose fields stand in its parent. */
  readonly name: string;
  /** In protobuf; 0 where there is none. */
  readonly number: number;
  readonly type: TypeCode;
  /** Of the message, for `message` and `slice`. Resolved on first use. */
  readonly message: Message | undefined;
  readonly isList: boolean;
  /** Values by string keys; `type` is the values'. */
  readonly isMap: boolean;
  /** Absent and zero differ. */
  readonly isPointer: boolean;
  readonly isInline: boolean;
  /** Written in JSON even when zero. */
  readonly isAlways: boolean;
  /** A struct that JSON leaves out when it has nothing in it. */
  readonly isOmitZero: boolean;
  readonly isRequired: boolean;
  readonly isDeprecated: boolean;
  readonly defaultValue: JsonValue | undefined;
  /** The closed set of values, or undefined. */
  readonly values: readonly string[] | undefined;
  readonly listType: "atomic" | "set" | "map" | undefined;
  readonly mapKeys: readonly string[];
  /** `merge`, `replace`, `retainKeys`: may be several. */
  readonly patchStrategy: readonly string[];
  readonly mergeKey: string | undefined;
  readonly structType: "atomic" | "granular" | undefined;
  readonly oneOf: string | undefined;
  readonly featureGate: string | undefined;
  /** Declarative validation, as `minimum=0`. */
  readonly rules: readonly string[];
}

export interface Message {
  /** `core.v1.PodSpec`. */
  readonly name: string;
  /** JSON's fields in their order, inlined ones in place. */
  readonly fields: readonly Field[];
  /** The same by JSON name. */
  readonly byName: ReadonlyMap<string, Field>;
  /** Has apiVersion and kind of its own. */
  readonly isTyped: boolean;
}
