import type { JsonObject, JsonValue } from "#proto";
import { defineProperty } from "./define-property.ts";
import { extentOf, extentProblem, JSON_PARTS_MAX } from "./extent.ts";
import { ProtobufError, ProtobufReader, WIRE } from "./protobuf-reader.ts";
import { type Field, type Message, type Slot, TYPE, type TypeCode } from "./schema.ts";
import { durationText, microTimeText, timeText } from "./time.ts";
import { isLeftOut, zeroOf } from "./zero.ts";

/** Deeper than any kind goes. */
const DEPTH_MAX = 100;

/** Turns protobuf into the same JSON shape as `JsonDecoder` gives. Unknown fields are skipped, as protobuf wants. */
export class ProtobufDecoder {
  readonly #reader: ProtobufReader;
  #depth = 0;
  #parts = 0;

  constructor(bytes: Uint8Array, from = 0) {
    this.#reader = new ProtobufReader(bytes, from);
  }

  message(message: Message, end: number, typeMeta?: JsonObject): JsonObject {
    this.#count();
    this.#depth++;
    if (this.#depth > DEPTH_MAX) throw new ProtobufError("the object is nested too deeply");
    const values = new Array<JsonValue | undefined>(message.fields.length).fill(undefined);
    this.#fill(message, end, values, 0);
    this.#depth--;
    return build(message, values, typeMeta);
  }

  /** An inlined message's values go straight into its parent's slots. */
  #fill(message: Message, end: number, values: (JsonValue | undefined)[], offset: number): void {
    const reader = this.#reader;
    while (reader.at < end) {
      const tag = reader.varint();
      const wire = tag & 7;
      const slot = message.slots[Math.floor(tag / 8)];
      if (slot === undefined) reader.skip(wire, end);
      else this.#slot(slot, wire, end, values, offset);
    }
    if (reader.at !== end)
      throw new ProtobufError(`a field at byte ${reader.at} exceeds its message`);
  }

  #slot(
    { field, at }: Slot,
    wire: number,
    end: number,
    values: (JsonValue | undefined)[],
    offset: number,
  ): void {
    const reader = this.#reader;
    if (wire !== wireOf(field.type) && !(wire === WIRE.bytes && field.isList)) {
      reader.skip(wire, end);
      return;
    }
    const limit = wire === WIRE.bytes ? reader.end(end) : end;
    if (field.isInline) {
      if (field.message !== undefined) this.#fill(field.message, limit, values, offset + at);
    } else if (field.isMap) {
      values[offset + at] ??= {};
      this.#entry(field, limit, values[offset + at] as Record<string, JsonValue>);
    } else if (field.isList) {
      values[offset + at] ??= [];
      this.#items(field, wire, limit, values[offset + at] as JsonValue[]);
    } else {
      values[offset + at] = this.#value(field, limit);
    }
  }

  /** Numbers may come packed, though Kubernetes writes them one by one. */
  #items(field: Field, wire: number, limit: number, items: JsonValue[]): void {
    const isPacked = wire === WIRE.bytes && wireOf(field.type) === WIRE.varint;
    do items.push(this.#value(field, limit) ?? null);
    while (isPacked && this.#reader.at < limit);
  }

  /** Two bytes are enough for a message of thirty fields. */
  #count(): void {
    this.#parts++;
    if (this.#parts > JSON_PARTS_MAX)
      throw new ProtobufError(`the object has more than ${JSON_PARTS_MAX} messages and entries`);
  }

  #entry(field: Field, end: number, entries: Record<string, JsonValue>): void {
    this.#count();
    const reader = this.#reader;
    let key = "";
    let value: JsonValue | undefined;
    while (reader.at < end) {
      const tag = reader.varint();
      if (tag === 10) key = reader.text(reader.end(end));
      else if (tag === 18) value = this.#value(field, reader.end(end));
      else if (tag === 16) value = this.#value(field, end);
      else reader.skip(tag & 7, end);
    }
    value ??= field.type === TYPE.message ? {} : field.type === TYPE.slice ? [] : "";
    if (key === "__proto__") defineProperty(entries, key, value);
    else entries[key] = value;
  }

  #value(field: Field, end: number): JsonValue | undefined {
    const reader = this.#reader;
    switch (field.type) {
      case TYPE.string:
        return reader.text(end);
      case TYPE.int32:
      case TYPE.int64:
        return reader.varint();
      case TYPE.bool:
        return reader.varint() !== 0;
      case TYPE.bytes:
        return reader.base64(end);
      case TYPE.message:
        return field.message === undefined ? undefined : this.message(field.message, end);
      case TYPE.slice:
        return this.#strings(end);
      default:
        return this.#special(field.type, end);
    }
  }

  #strings(end: number): readonly string[] {
    const items: string[] = [];
    while (this.#reader.at < end) {
      const tag = this.#reader.varint();
      if (tag === 10) items.push(this.#reader.text(this.#reader.end(end)));
      else this.#reader.skip(tag & 7, end);
    }
    return items;
  }

  #special(type: TypeCode, end: number): JsonValue | undefined {
    const parts = this.#numbered(end);
    const [, first, second, third] = parts;
    switch (type) {
      case TYPE.quantity:
        return String(first ?? "0");
      case TYPE.intOrString:
        return first === 1 ? String(third ?? "") : Number(second ?? 0);
      case TYPE.time:
        return first === undefined ? undefined : timeText(Number(first));
      case TYPE.microTime:
        return first === undefined ? undefined : microTimeText(Number(first), Number(second ?? 0));
      case TYPE.duration:
        return durationText(Number(first ?? 0));
      default:
        return first === undefined || first === "" ? undefined : parseRaw(String(first));
    }
  }

  /** The special types have three fields at most; each is a number or a text. */
  #numbered(end: number): (number | string | undefined)[] {
    const parts: (number | string | undefined)[] = [undefined, undefined, undefined, undefined];
    while (this.#reader.at < end) {
      const tag = this.#reader.varint();
      const number = Math.floor(tag / 8);
      const wire = tag & 7;
      if (number > 3) this.#reader.skip(wire, end);
      else if (wire === WIRE.varint) parts[number] = this.#reader.varint();
      else if (wire === WIRE.bytes) parts[number] = this.#reader.text(this.#reader.end(end));
      else this.#reader.skip(wire, end);
    }
    return parts;
  }
}

function wireOf(type: TypeCode): number {
  return type === TYPE.int32 || type === TYPE.int64 || type === TYPE.bool
    ? WIRE.varint
    : WIRE.bytes;
}

function parseRaw(text: string): JsonValue {
  const problem = extentProblem(extentOf(text));
  if (problem !== undefined) throw new ProtobufError(`an embedded object: ${problem.message}`);
  try {
    return JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw new ProtobufError("an embedded object is no valid JSON", { cause });
  }
}

function build(
  message: Message,
  values: readonly (JsonValue | undefined)[],
  typeMeta: JsonObject | undefined,
): JsonObject {
  const out: Record<string, JsonValue> = {};
  if (typeMeta !== undefined) {
    out["kind"] = typeMeta["kind"] ?? "";
    out["apiVersion"] = typeMeta["apiVersion"] ?? "";
  }
  const { fields } = message;
  for (let at = 0; at < fields.length; at++) {
    const field = fields[at];
    if (field === undefined) continue;
    const value = values[at] ?? absent(field);
    if (value !== undefined && !isLeftOut(field, value)) out[field.name] = value;
  }
  return out;
}

function absent(field: Field): JsonValue | undefined {
  if (field.isStruct && field.message !== undefined) return build(field.message, [], undefined);
  return zeroOf(field);
}
