import type { JsonObject, JsonValue } from "#proto";
import { ProtobufWriter } from "./protobuf-writer.ts";
import { type Field, type Message, TYPE } from "./schema.ts";
import { durationNanos, microNanosOf, secondsOf } from "./time.ts";

const NOTHING: JsonObject = {};

/** Writes objects of Kubernetes' JSON shape, backwards: highest field first, last item first. */
export class ProtobufEncoder {
  readonly writer = new ProtobufWriter();

  message(message: Message, value: JsonObject): void {
    for (const field of message.descending) {
      if (field.isInline) this.#inline(field, value);
      else this.#field(field, value[field.name]);
    }
  }

  #inline(field: Field, value: JsonObject): void {
    const position = this.writer.position;
    if (field.message !== undefined) this.message(field.message, value);
    this.writer.close(field.number, position);
  }

  #field(field: Field, value: JsonValue | undefined): void {
    if (field.isMap) {
      if (value !== undefined && value !== null) this.#map(field, value as JsonObject);
    } else if (field.isList) {
      if (value === undefined || value === null) return;
      const items = value as readonly JsonValue[];
      for (let at = items.length - 1; at >= 0; at--) this.#value(field, field.number, items[at]);
    } else if (isWritten(field, value)) {
      this.#value(field, field.number, value);
    }
  }

  /** Sorted by key, as Kubernetes writes maps; so backwards from the last. */
  #map(field: Field, entries: JsonObject): void {
    const keys = Object.keys(entries).toSorted(byBytes);
    for (let at = keys.length - 1; at >= 0; at--) {
      const key = keys[at] ?? "";
      const position = this.writer.position;
      this.#value(field, 2, entries[key]);
      this.writer.field(1, key);
      this.writer.close(field.number, position);
    }
  }

  #value(field: Field, number: number, value: JsonValue | undefined): void {
    switch (field.type) {
      case TYPE.string:
        this.writer.field(number, typeof value === "string" ? value : "");
        break;
      case TYPE.int32:
      case TYPE.int64:
        this.#number(number, typeof value === "number" ? value : 0);
        break;
      case TYPE.bool:
        this.#number(number, value === true ? 1 : 0);
        break;
      case TYPE.bytes:
        this.#bytes(number, Buffer.from(typeof value === "string" ? value : "", "base64"));
        break;
      default:
        this.#nested(field, number, value);
        break;
    }
  }

  #nested(field: Field, number: number, value: JsonValue | undefined): void {
    const position = this.writer.position;
    if (field.type === TYPE.message) {
      if (field.message !== undefined) this.message(field.message, objectOf(value));
    } else if (field.type === TYPE.slice) {
      const items = (value ?? []) as readonly string[];
      for (let at = items.length - 1; at >= 0; at--) this.writer.field(1, items[at] ?? "");
    } else {
      this.#special(field, value);
    }
    this.writer.close(number, position);
  }

  #special(field: Field, value: JsonValue | undefined): void {
    switch (field.type) {
      case TYPE.quantity:
        this.writer.field(1, typeof value === "string" ? value : "0");
        break;
      case TYPE.intOrString:
        this.#intOrString(value);
        break;
      case TYPE.time:
      case TYPE.microTime:
        this.#time(value, field.type === TYPE.microTime);
        break;
      case TYPE.duration:
        this.#number(1, (typeof value === "string" ? durationNanos(value) : 0) ?? 0);
        break;
      default:
        if (value !== undefined) this.writer.field(1, JSON.stringify(value));
    }
  }

  #intOrString(value: JsonValue | undefined): void {
    this.writer.field(3, typeof value === "string" ? value : "");
    this.#number(2, typeof value === "number" ? value : 0);
    this.#number(1, typeof value === "string" ? 1 : 0);
  }

  /** The zero time is an empty message. */
  #time(value: JsonValue | undefined, isMicro: boolean): void {
    if (typeof value !== "string") return;
    this.#number(2, isMicro ? microNanosOf(value) : 0);
    this.#number(1, secondsOf(value));
  }

  #bytes(number: number, value: Uint8Array): void {
    const position = this.writer.position;
    this.writer.bytes(value);
    this.writer.close(number, position);
  }

  #number(number: number, value: number): void {
    this.writer.varint(value);
    this.writer.tag(number, 0);
  }
}

/** Go writes everything that is no pointer, list, map or bytes, even when zero. */
function isWritten(field: Field, value: JsonValue | undefined): boolean {
  if (value !== undefined && value !== null) return true;
  return !(field.isPointer || field.type === TYPE.bytes || field.type === TYPE.any);
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return typeof value === "object" && value !== null ? (value as JsonObject) : NOTHING;
}

/** Go sorts strings by their bytes in UTF-8; below the surrogates, UTF-16 sorts the same. */
function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
