import type { ApiObject, JsonObject, JsonValue } from "#proto";
import { isDeeper, JSON_DEPTH_MAX } from "./depth.ts";
import { countFields, countParsed, duplicateFields } from "./duplicates.ts";
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
  const { object: given, text } = read;
  const schema = schemaOf(kind.apiVersion, kind.kind);
  if (schema === undefined) return failed(unknownKind(kind));

  const decoder = new JsonDecoder();
  const isTyped =
    schema.isTyped && (given["apiVersion"] === undefined || given["kind"] === undefined);
  const decoded = decoder.message(schema, isTyped ? { ...given, ...kind } : given);
  const lax = decoder.problems.filter((problem) => problem.type === "unknown");
  if (text !== undefined && options.fieldValidation !== "Ignore")
    lax.push(...duplicateProblems(text, given));
  const hard = decoder.problems.filter((problem) => problem.type !== "unknown");
  const problems = options.fieldValidation === "Strict" ? [...hard, ...lax] : hard;
  return {
    object: problems.length === 0 ? (decoded as unknown as T) : undefined,
    problems,
    warnings: options.fieldValidation === "Warn" ? lax : [],
  };
}

/** The input as an object of the kind, whatever is in it; with its text where it came as one. */
export function readObject(
  kind: KindRef,
  input: unknown,
):
  | { readonly object: JsonObject; readonly text: string | undefined }
  | { readonly problem: Problem } {
  const text = textOf(input);
  const parsed = text === undefined ? (input as JsonValue) : parse(text);
  if (parsed instanceof SyntaxProblem) return { problem: parsed };
  if (isDeeper(parsed)) return { problem: TOO_DEEP };
  const problem = checkTop(kind, parsed);
  return problem === undefined ? { object: parsed as JsonObject, text } : { problem };
}

/** Whatever can be written must be safe to walk for all who read it. */
const TOO_DEEP: Problem = {
  type: "syntax",
  path: "",
  message: `the body nests deeper than ${JSON_DEPTH_MAX} levels`,
};

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

/** Fields that stand twice. The exact place is searched only when counting says that there is one. */
export function duplicateProblems(text: string, parsed: JsonValue): Problem[] {
  if (countFields(text) === countParsed(parsed)) return [];
  return duplicateFields(text).map((path) => ({
    type: "duplicate",
    path,
    message: `duplicate field "${path}"`,
    mend: "keep one of them",
  }));
}
