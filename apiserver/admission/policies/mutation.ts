import type { JsonObject, JsonValue } from "#lib/json";
import { applyJsonPatch, JsonPatchError } from "#lib/patch/json-patch";
import type { Mutation } from "#proto/admissionregistration/v1";
import type { Resource } from "#resources";
import type { Declarations } from "../../cel/environment.ts";
import { type Compiled, compile } from "../../cel/program.ts";
import { structsAsMaps } from "../../cel/struct-literals.ts";
import { jsonValueOf } from "../../cel/values.ts";
import { isObject } from "../../chain/object-meta.ts";
import { layOver } from "./lay-over.ts";

/** One change that a policy makes, compiled. */
export interface CompiledMutation {
  /** As it was written. */
  readonly expression: string;
  readonly compiled: Compiled;
  readonly isPatch: boolean;
}

/** An expression gave something that is no change. */
export class MutationError extends Error {
  override readonly name = "MutationError";
}

export function mutationOf(
  { applyConfiguration, jsonPatch, patchType }: Mutation,
  declarations: Declarations,
): CompiledMutation {
  const isPatch = patchType === "JSONPatch";
  const expression = (isPatch ? jsonPatch : applyConfiguration)?.expression ?? "";
  return { expression, isPatch, compiled: compile(structsAsMaps(expression), declarations) };
}

/** The object with what the expression gave. Throws MutationError. */
export function mutated(
  { isPatch }: CompiledMutation,
  resource: Resource,
  object: JsonObject,
  given: unknown,
): JsonObject {
  const value = toJson(given);
  return isPatch ? patched(object, value) : laidOver(resource, object, value);
}

function toJson(given: unknown): JsonValue {
  try {
    return jsonValueOf(given);
  } catch (error) {
    throw new MutationError((error as Error).message);
  }
}

function patched(object: JsonObject, operations: JsonValue): JsonObject {
  if (!Array.isArray(operations))
    throw new MutationError("type mismatch: JSONPatchType.expression should evaluate to array");
  try {
    return applyJsonPatch(object, operations) as JsonObject;
  } catch (error) {
    if (!(error instanceof JsonPatchError)) throw error;
    // A test that fails takes the whole patch back, and nothing else.
    if (error.fault === "failed-test") return object;
    throw new MutationError(`JSON Patch: ${error.message}`);
  }
}

function laidOver(resource: Resource, object: JsonObject, configuration: JsonValue): JsonObject {
  if (!isObject(configuration))
    throw new MutationError(
      `unsupported return type from ApplyConfiguration expression: ${typeof configuration}`,
    );
  const { atomics, merged } = layOver(resource, object, configuration);
  if (atomics.length === 0) return merged;
  throw new MutationError(
    `error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${atomics.join(", ")}`,
  );
}
