/** Compiles a schema to a function that says what is wrong with a value, in the words of Kubernetes' validation. */
import { isDeepStrictEqual } from "node:util";
import type { JsonValue } from "#lib/json";
import type { StatusCause } from "#lib/status-error";
import { type Check, named, typeNameOf, wrongType } from "./check.ts";
import { checksOfLists } from "./check-lists.ts";
import { checksOfNumbers, checksOfStrings } from "./check-scalars.ts";
import { checksOfStructure } from "./check-structure.ts";
import { isIntOrString, type Schema } from "./schema.ts";

/** Names no more than so many faults; one that has more is broken as a whole. */
const CAUSES_MAX = 100;

export function compileValidation(schema: Schema): Check {
  const type = typeCheck(schema);
  const checks = [
    ...enumCheck(schema),
    ...checksOfStrings(schema),
    ...checksOfNumbers(schema),
    ...checksOfLists(schema, compileValidation),
    ...checksOfStructure(schema, compileValidation),
    ...junctors(schema),
  ];
  const isNullable = schema.nullable === true;
  return (value, old, path, causes) => {
    if (causes.length >= CAUSES_MAX) return;
    if (old !== undefined && isDeepStrictEqual(value, old)) return;
    if (value === null && isNullable) return;
    if (!type(value, path, causes)) return;
    for (const check of checks) check(value, old, path, causes);
  };
}

/** False when the value is of another type, so that nothing else can be said of it. */
function typeCheck(
  schema: Schema,
): (value: JsonValue, path: string, causes: StatusCause[]) => boolean {
  const wanted = isIntOrString(schema) ? ["integer", "string"] : typesOf(schema.type);
  if (wanted.length === 0) return () => true;
  const text = isIntOrString(schema) ? "integer,string" : (schema.type ?? "");
  return (value, path, causes) => {
    if (wanted.includes(typeNameOf(value))) return true;
    causes.push(wrongType(path, value, text));
    return false;
  };
}

function typesOf(type: string | undefined): readonly string[] {
  if (type === undefined || type === "") return [];
  return type === "number" ? ["number", "integer"] : [type];
}

function enumCheck({ enum: values }: Schema): readonly Check[] {
  if (values === undefined || values.length === 0) return [];
  const texts = values.map((each) => JSON.stringify(each)).join(", ");
  return [
    (value, _old, path, causes) => {
      if (values.some((each) => isDeepStrictEqual(each, value))) return;
      const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${texts}`;
      causes.push({ reason: "FieldValueNotSupported", field: named(path), message });
    },
  ];
}

function junctors(schema: Schema): readonly Check[] {
  const { allOf = [], anyOf = [], oneOf = [], not } = schema;
  const compiled = (all: readonly Schema[]): readonly Check[] => all.map(compileValidation);
  return [
    ...compiled(allOf),
    ...(anyOf.length === 0 ? [] : [anyOfCheck(compiled(anyOf))]),
    ...(oneOf.length === 0 ? [] : [oneOfCheck(compiled(oneOf))]),
    ...(not === undefined ? [] : [notCheck(compileValidation(not))]),
  ];
}

function anyOfCheck(checks: readonly Check[]): Check {
  return (value, _old, path, causes) => {
    const found = checks.map((check) => causesOf(check, value, path));
    if (found.some((each) => each.length === 0)) return;
    causes.push(unfit(path, value, "must validate at least one schema (anyOf)"), ...fewest(found));
  };
}

function oneOfCheck(checks: readonly Check[]): Check {
  return (value, _old, path, causes) => {
    const found = checks.map((check) => causesOf(check, value, path));
    const fitting = found.filter((each) => each.length === 0).length;
    if (fitting === 1) return;
    const how = fitting === 0 ? "Found none valid" : `Found ${fitting} valid alternatives`;
    causes.push(unfit(path, value, `must validate one and only one schema (oneOf). ${how}`));
    if (fitting === 0) causes.push(...fewest(found));
  };
}

function notCheck(check: Check): Check {
  return (value, _old, path, causes) => {
    if (causesOf(check, value, path).length === 0)
      causes.push(unfit(path, value, "must not validate the schema (not)"));
  };
}

function causesOf(check: Check, value: JsonValue, path: string): readonly StatusCause[] {
  const causes: StatusCause[] = [];
  check(value, undefined, path, causes);
  return causes;
}

/** The alternative that the value comes closest to is most likely the one that was meant. */
function fewest(found: readonly (readonly StatusCause[])[]): readonly StatusCause[] {
  return found.toSorted((a, b) => a.length - b.length)[0] ?? [];
}

function unfit(path: string, value: JsonValue, says: string): StatusCause {
  const message = `Invalid value: ${JSON.stringify(value)}: ${JSON.stringify(path)} ${says}`;
  return { reason: "FieldValueInvalid", field: named(path), message };
}
