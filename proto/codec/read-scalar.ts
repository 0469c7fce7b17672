import type { JsonValue } from "#proto";
import { isBase64 } from "./base64.ts";
import { canonicalQuantity } from "./quantity.ts";
import { TYPE, type TypeCode } from "./schema.ts";
import { canonicalMicroTime, canonicalTime, durationNanos, durationText } from "./time.ts";

/** `wanted` says what was expected where the value is wrong. */
export interface ScalarRead {
  readonly value: JsonValue | undefined;
  readonly wanted: string | undefined;
  readonly mend: string | undefined;
}

const INT32_MAX = 2 ** 31;
const INT64_MAX = 2 ** 63;

/** Reads all types but messages. Never called with null, except for raw JSON. */
export function readScalar(type: TypeCode, value: JsonValue): ScalarRead {
  switch (type) {
    case TYPE.string:
      return typeof value === "string" ? right(value) : wrong("a string", quoting(value));
    case TYPE.int32:
      return readInteger(value, INT32_MAX);
    case TYPE.int64:
      return readInteger(value, INT64_MAX);
    case TYPE.bool:
      return typeof value === "boolean" ? right(value) : wrong("true or false", unquoting(value));
    case TYPE.bytes:
      return readBytes(value);
    case TYPE.quantity:
      return readQuantity(value);
    case TYPE.intOrString:
      return readIntOrString(value);
    case TYPE.time:
      return readTime(value, canonicalTime);
    case TYPE.microTime:
      return readTime(value, canonicalMicroTime);
    case TYPE.duration:
      return readDuration(value);
    case TYPE.fields:
      return typeof value === "object" ? right(value) : wrong("an object", undefined);
    default:
      return right(value);
  }
}

function right(value: JsonValue): ScalarRead {
  return { value, wanted: undefined, mend: undefined };
}

function wrong(wanted: string, mend: string | undefined): ScalarRead {
  return { value: undefined, wanted, mend };
}

function readInteger(value: JsonValue, bound: number): ScalarRead {
  if (typeof value !== "number") return wrong("an integer", unquoting(value));
  if (!Number.isInteger(value)) return wrong("an integer", "leave out the fraction");
  if (value < -bound || value >= bound) {
    return wrong(
      bound === INT32_MAX ? "an integer of 32 bits" : "an integer of 64 bits",
      undefined,
    );
  }
  return right(value);
}

function readBytes(value: JsonValue): ScalarRead {
  if (typeof value !== "string") return wrong("bytes in base64", undefined);
  return isBase64(value) ? right(value) : wrong("bytes in base64", "encode the value by base64");
}

function readQuantity(value: JsonValue): ScalarRead {
  const text = typeof value === "number" ? String(value) : value;
  const canonical = typeof text === "string" ? canonicalQuantity(text.trim()) : undefined;
  if (canonical !== undefined) return right(canonical);
  return wrong("a quantity", "write a number with an optional suffix, such as 500m, 1.5 or 128Mi");
}

function readIntOrString(value: JsonValue): ScalarRead {
  if (typeof value === "string") return right(value);
  const read = readInteger(value, INT32_MAX);
  return read.wanted === undefined ? read : wrong("an integer or a string", read.mend);
}

function readTime(value: JsonValue, canonical: (text: string) => string | undefined): ScalarRead {
  const text = typeof value === "string" ? canonical(value) : undefined;
  return text === undefined ? wrong("a time", "write it as 2006-01-02T15:04:05Z") : right(text);
}

function readDuration(value: JsonValue): ScalarRead {
  const nanos = typeof value === "string" ? durationNanos(value) : undefined;
  return nanos === undefined
    ? wrong("a duration", "write it as 1h30m")
    : right(durationText(nanos));
}

function quoting(value: JsonValue): string | undefined {
  return typeof value === "object" ? undefined : `put it in quotes: "${value}"`;
}

function unquoting(value: JsonValue): string | undefined {
  return typeof value === "string" ? `write it without quotes: ${value}` : undefined;
}
