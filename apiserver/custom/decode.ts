/** Custom objects as clients send them: plain JSON, pruned by the schema, with metadata as every kind has it. */
import {
  countParsed,
  type Decoded,
  duplicateProblems,
  type FieldValidation,
  JsonDecoder,
  type KindRef,
  messageNamed,
  type Problem,
  readObject,
} from "#codec";
import { assert } from "#lib/assert";
import type { JsonObject, JsonValue } from "#lib/json";
import type { ApiObject } from "#proto";
import type { Prune } from "./schema/prune.ts";
import { isObject } from "./schema/schema.ts";

export interface CustomDecoding {
  readonly kind: KindRef;
  readonly prune: Prune;
  readonly fieldValidation: FieldValidation;
}

/** As `decodeJson` for built-in kinds. */
export function decodeCustom(input: unknown, options: CustomDecoding): Decoded {
  const { fieldValidation, kind, prune } = options;
  const read = readObject(kind, input);
  if ("problem" in read) return { object: undefined, problems: [read.problem], warnings: [] };
  const { metadata, problems } = decodeMetadata(read.object["metadata"]);
  const lax = problems.filter(({ type }) => type === "unknown");
  const unknown: string[] = [];
  const pruned = prune(read.object, "", unknown) as JsonObject;
  for (const path of unknown)
    lax.push({ type: "unknown", path, message: `unknown field "${path}"` });
  if (read.text !== undefined && fieldValidation !== "Ignore")
    lax.push(...duplicateProblems(read.text, countParsed(read.object) === read.fields));
  const hard = problems.filter(({ type }) => type !== "unknown");
  const found = fieldValidation === "Strict" ? [...hard, ...lax] : hard;
  const object = { ...pruned, metadata } as unknown as ApiObject;
  return {
    object: found.length === 0 ? object : undefined,
    problems: found,
    warnings: fieldValidation === "Warn" ? lax : [],
  };
}

function decodeMetadata(given: JsonValue = {}): {
  readonly metadata: JsonObject;
  readonly problems: readonly Problem[];
} {
  if (!isObject(given)) {
    const message = `metadata: expected an object, got ${JSON.stringify(given)}`;
    return { metadata: {}, problems: [{ type: "type", path: "metadata", message }] };
  }
  const message = messageNamed("meta.v1.ObjectMeta");
  assert(message !== undefined, "every kind has metadata");
  const decoder = new JsonDecoder();
  const metadata = decoder.message(message, given);
  const problems = decoder.problems.map((problem) => ({
    ...problem,
    path: `metadata.${problem.path}`,
    message: problem.message.replace(problem.path, `metadata.${problem.path}`),
  }));
  return { metadata, problems };
}
