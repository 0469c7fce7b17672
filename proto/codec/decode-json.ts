import type { ApiObject, JsonObject, JsonValue } from "#proto";
import { isDeeper } from "./depth.ts";
import { duplicateFields } from "./duplicates.ts";
import { extentOf, extentProblem, JSON_PARTS_MAX, TOO_DEEP, TOO_MANY } from "./extent.ts";
import { JsonDecoder } from "./json-decoder.ts";
import type { FieldValidation, Problem } from "./problem.ts";
import { schemaOf } from "./tables.ts";

export interface KindRef {
  /** `v1`, `apps/v1`. */
  readonly apiVersion: string;
  readonly kind: string;
}

export interface DecodeOptions {
  readonly fieldValidation: FieldValidation;
}

export interface Decoded<T extends ApiObject = ApiObject> {
  /** In Kubernetes' shape (unknown fields pruned, structs materialised); undefined when there are problems. */
  readonly object: T | undefined;
  readonly problems: readonly Problem[];
  /** Unknown and duplicate fields under `Warn`. */
  readonly warnings: readonly Problem[];
}

/**
 * Bytes and text are JSON; anything else is an already parsed value. A missing apiVersion or kind is taken from
 * `kind`; another one than that is a problem.
 */
export function decodeJson<T extends ApiObject = ApiObject>(
  kind: KindRef,
  input: unknown,
  options: DecodeOptions,
): Decoded<T> {
  const read = readObject(kind, input);
  if ("problem" in read) return failed(read.problem);
  const { fields, object: given, text } = read;
  const schema = schemaOf(kind.apiVersion, kind.kind);
  if (schema === undefined) return failed(unknownKind(kind));

  const decoder = new JsonDecoder();
  const missing = schema.isTyped ? missingType(given) : 0;
  const decoded = decoder.message(schema, missing > 0 ? { ...given, ...kind } : given);
  if (decoder.fields > JSON_PARTS_MAX) return failed(TOO_MANY);
  const lax = decoder.problems.filter((problem) => problem.type === "unknown");
  if (text !== undefined && options.fieldValidation !== "Ignore")
    lax.push(...duplicateProblems(text, decoder.fields - missing === fields));
  const hard = decoder.problems.filter((problem) => problem.type !== "unknown");
  const problems = options.fieldValidation === "Strict" ? [...hard, ...lax] : hard;
  return {
    object: problems.length === 0 ? (decoded as unknown as T) : undefined,
    problems,
    warnings: options.fieldValidation === "Warn" ? lax : [],
  };
}

export interface Readable {
  readonly object: JsonObject;
  /** Where it came as one. */
  readonly text: string | undefined;
  /** How many the text has; more than were parsed means duplicates. */
  readonly fields: number;
}

/** The input as an object of the kind, whatever is in it. */
export function readObject(
  kind: KindRef,
  input: unknown,
): Readable | { readonly problem: Problem } {
  const text = textOf(input);
  const extent = text === undefined ? NO_EXTENT : extentOf(text);
  const bound = extentProblem(extent);
  if (bound !== undefined) return { problem: bound };
  const parsed = text === undefined ? (input as JsonValue) : parse(text);
  if (parsed instanceof SyntaxProblem) return { problem: parsed };
  if (text === undefined && isDeeper(parsed)) return { problem: TOO_DEEP };
  const problem = checkTop(kind, parsed);
  if (problem !== undefined) return { problem };
  return { object: parsed as JsonObject, text, fields: extent.fields };
}

const NO_EXTENT = { fields: 0, containers: 0, depth: 0 };

/** How many of the two fields that say what it is an object leaves out. */
function missingType(given: JsonObject): number {
  return Number(given["apiVersion"] === undefined) + Number(given["kind"] === undefined);
}

function failed<T extends ApiObject>(problem: Problem): Decoded<T> {
  return { object: undefined, problems: [problem], warnings: [] };
}

function textOf(input: unknown): string | undefined {
  if (typeof input === "string") return input;
  if (!(input instanceof Uint8Array)) return undefined;
  return Buffer.from(input.buffer, input.byteOffset, input.byteLength).toString("utf8");
}

function parse(text: string): JsonValue | SyntaxProblem {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return new SyntaxProblem(why);
  }
}

/** A class, so that it cannot be taken for parsed JSON. */
class SyntaxProblem implements Problem {
  readonly type = "syntax";
  readonly path = "";
  readonly message: string;

  constructor(why: string) {
    this.message = `the body is no valid JSON: ${why}`;
  }
}

function checkTop(kind: KindRef, parsed: JsonValue): Problem | undefined {
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    return { type: "type", path: "", message: `expected an object of kind ${kind.kind}` };
  }
  const given = parsed as JsonObject;
  return (
    mismatch("kind", given["kind"], kind.kind) ??
    mismatch("apiVersion", given["apiVersion"], kind.apiVersion)
  );
}

function mismatch(
  path: "kind" | "apiVersion",
  given: JsonValue | undefined,
  wanted: string,
): Problem | undefined {
  if (given === undefined || given === "" || given === wanted) return undefined;
  const shown = JSON.stringify(given);
  return {
    type: "kind",
    path,
    message: `${path}: expected "${wanted}", got ${shown}`,
    value: shown,
    mend: `write ${path}: ${wanted}, or send the object to the route of its own kind`,
  };
}

function unknownKind(kind: KindRef): Problem {
  return {
    type: "kind",
    path: "",
    message: `no kind "${kind.kind}" is registered in "${kind.apiVersion}"`,
  };
}

/** Fields that stand twice. The exact place is searched only when counting says that there may be one. */
export function duplicateProblems(text: string, isCountRight: boolean): Problem[] {
  if (isCountRight) return [];
  return duplicateFields(text).map((path) => ({
    type: "duplicate",
    path,
    message: `duplicate field "${path}"`,
    mend: "keep one of them",
  }));
}
