/** What every kind has in common, in its JSON shape. The kinds themselves are behind `#proto/<group>/<version>`. */
import type { ObjectMeta } from "#proto/meta/v1";

/** What JSON can say. Objects are immutable once published, so everything is readonly. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** Any stored object: enough for code that treats all kinds alike. */
export interface ApiObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

/** An object as a client writes it: whatever is left out gets its default, or is filled in by the server. */
export type Draft<T> = T extends readonly (infer Item)[]
  ? readonly Draft<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]?: Draft<T[Key]> }
    : T;
