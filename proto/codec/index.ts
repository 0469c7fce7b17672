/**
 * The door `#codec`: one generic codec for all kinds, driven by tables that are made of the API description.
 * Objects are in JSON shape: plain, in Kubernetes' field order.
 */
import type { ApiObject } from "#proto";
import type { FieldValidation, Problem } from "./problem.ts";
import type { Field, Message } from "./schema.ts";

export type { FieldValidation, Problem } from "./problem.ts";
export { type Field, type Message, TYPE, type TypeCode } from "./schema.ts";

export interface KindRef {
  readonly apiVersion: string;
  readonly kind: string;
}

export interface DecodeOptions {
  readonly fieldValidation: FieldValidation;
}

export interface Decoded {
  /** In Kubernetes' shape (unknown fields pruned, structs materialised); undefined when there are problems. */
  readonly object: ApiObject | undefined;
  readonly problems: readonly Problem[];
  /** Unknown and duplicate fields under `Warn`. */
  readonly warnings: readonly Problem[];
}

export interface PatchMeta {
  readonly strategy: readonly string[];
  readonly mergeKey: string | undefined;
  readonly listType: "atomic" | "set" | "map" | undefined;
  readonly mapKeys: readonly string[];
  /** What list items, map values or the struct look like; undefined for scalars. */
  readonly message: Message | undefined;
}

/** Bytes are JSON text; anything else an already parsed value. A missing apiVersion or kind is taken from `kind`. */
export declare function decodeJson(kind: KindRef, input: unknown, options: DecodeOptions): Decoded;
/** A copy with Kubernetes' static defaults; parts without change are shared. */
export declare function applyDefaults<T extends ApiObject>(kind: KindRef, object: T): T;
/** Takes Kubernetes' envelope. Throws ProtobufError when the bytes are not what they should be. */
export declare function decodeProtobuf(bytes: Uint8Array): KindRef & { readonly object: ApiObject };
export declare function encodeProtobuf(object: ApiObject): Uint8Array;
/** Undefined for a kind that the description does not have. */
export declare function schemaOf(apiVersion: string, kind: string): Message | undefined;
export declare function patchMetaOf(schema: Message, field: string): PatchMeta | undefined;
/** Looks up `spec.template.spec.containers`; list items and map values need no step of their own. */
export declare function fieldAt(schema: Message, path: string): Field | undefined;
