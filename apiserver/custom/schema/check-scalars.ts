import { patternOf } from "#lib/pattern";
import { type Check, inBody, named, wrong } from "./check.ts";
import { formatOf } from "./formats.ts";
import type { Schema } from "./schema.ts";

export function checksOfStrings(schema: Schema): readonly Check[] {
  const { maxLength, minLength, pattern } = schema;
  const checks: Check[] = [];
  if (maxLength !== undefined) {
    checks.push((value, _old, path, causes) => {
      if (typeof value !== "string" || lengthOf(value) <= maxLength) return;
      const message = `Too long: may not be more than ${maxLength} bytes`;
      causes.push({ reason: "FieldValueTooLong", field: named(path), message });
    });
  }
  if (minLength !== undefined) {
    checks.push((value, _old, path, causes) => {
      if (typeof value === "string" && lengthOf(value) < minLength)
        causes.push(wrong(path, value, `should be at least ${minLength} chars long`));
    });
  }
  if (pattern !== undefined && pattern !== "") checks.push(patternCheck(pattern));
  const isFormatted = formatOf(schema.format);
  if (isFormatted !== undefined) {
    checks.push((value, _old, path, causes) => {
      if (typeof value !== "string" || isFormatted(value)) return;
      const shown = JSON.stringify(value);
      const says = `${inBody(path)} must be of type ${schema.format}: ${shown}`;
      const message = `Invalid value: ${shown}: ${says}`;
      causes.push({ reason: "FieldValueTypeInvalid", field: named(path), message });
    });
  }
  return checks;
}

function patternCheck(source: string): Check {
  const pattern = patternOf(source);
  return (value, _old, path, causes) => {
    if (typeof value === "string" && !pattern.test(value))
      causes.push(wrong(path, value, `should match '${source}'`));
  };
}

/** In characters, not in UTF-16's units. */
function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length;
}

interface Bound {
  readonly fits: (value: number) => boolean;
  readonly says: string;
}

export function checksOfNumbers(schema: Schema): readonly Check[] {
  return boundsOf(schema).map(
    ({ fits, says }): Check =>
      (value, _old, path, causes) => {
        if (typeof value === "number" && !fits(value)) causes.push(wrong(path, value, says));
      },
  );
}

function boundsOf(schema: Schema): readonly Bound[] {
  const bounds: Bound[] = [];
  const { exclusiveMaximum, exclusiveMinimum, format, maximum, minimum, multipleOf } = schema;
  if (typeof maximum === "number") {
    bounds.push(
      exclusiveMaximum
        ? { fits: (value) => value < maximum, says: `should be less than ${maximum}` }
        : { fits: (value) => value <= maximum, says: `should be less than or equal to ${maximum}` },
    );
  }
  if (typeof minimum === "number") {
    bounds.push(
      exclusiveMinimum
        ? { fits: (value) => value > minimum, says: `should be greater than ${minimum}` }
        : {
            fits: (value) => value >= minimum,
            says: `should be greater than or equal to ${minimum}`,
          },
    );
  }
  if (typeof multipleOf === "number") {
    bounds.push({
      fits: (value) => isWhole(value / multipleOf),
      says: `should be a multiple of ${multipleOf}`,
    });
  }
  if (format === "int32")
    bounds.push({ fits: (value) => value === (value | 0), says: `must be of type int32` });
  return bounds;
}

/** Divisions such as 0.3 / 0.1 are off by a little. */
function isWhole(quotient: number): boolean {
  return Math.abs(quotient - Math.round(quotient)) <= Math.abs(quotient) * Number.EPSILON * 4;
}
