import type { NameRule } from "#lib/api/names";
import type { JsonObject } from "#lib/json";
import type { Causes } from "./causes.ts";

/** What is particular to a kind. Everything is optional but the rule for its names. */
export interface KindRules {
  readonly nameRule: NameRule;
  /** The status of a new object; without it the kind has none. */
  readonly firstStatus?: (object: JsonObject) => JsonObject;
  /** Defaults that need code. */
  readonly complete?: (object: JsonObject) => JsonObject;
  /** What a new object is given besides, once; it has its uid already. */
  readonly completeNew?: (object: JsonObject) => JsonObject;
  readonly validate?: (object: JsonObject) => Causes;
  /** What is asked of new objects only. `validate` runs too. */
  readonly validateCreate?: (object: JsonObject) => Causes;
  /** What an update may not change, and so on. `validate` runs too. */
  readonly validateUpdate?: (object: JsonObject, old: JsonObject) => Causes;
  /** What an update makes of the status, where the server itself has something to say. */
  readonly nextStatus?: (object: JsonObject, old: JsonObject) => JsonObject;
  /** Fields that the main route keeps as they are, besides status. */
  readonly keep?: (object: JsonObject, old: JsonObject) => JsonObject;
  /** Routes that change a part of the object, by their names; `status` too, where it has rules of its own. */
  readonly parts?: Readonly<Record<string, PartRules>>;
}

export interface PartRules {
  /** The old object with what this route may change taken from the new one. */
  readonly take: (object: JsonObject, old: JsonObject) => JsonObject;
  /** Instead of the rules of the main route. */
  readonly validate: (object: JsonObject, old: JsonObject) => Causes;
}

export function specOf(object: JsonObject): JsonObject {
  return (object["spec"] ?? {}) as JsonObject;
}
