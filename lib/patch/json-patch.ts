/** RFC 6902, on values that are never changed. */
import { isDeepStrictEqual } from "node:util";
import { JSON_DEPTH_MAX } from "#codec";
import type { JsonObject, JsonValue } from "../json.ts";
import { JSON_BYTES_MAX, jsonBytes } from "../json-bounds.ts";
import { ownField } from "./own-field.ts";

/** An operation that cannot be done: which, and why. */
export class JsonPatchError extends Error {
  override readonly name = "JsonPatchError";
  readonly fault: Fault;

  constructor(message: string, fault: Fault = "invalid") {
    super(message);
    this.fault = fault;
  }
}

/** `failed-test`: the document merely was not as a `test` wanted it. `no-patch`: it would fit no document. */
type Fault = "failed-test" | "invalid" | "no-patch" | "too-large";

/** As many as Kubernetes takes in one patch. */
const OPERATIONS_MAX = 10_000;

/** A copy of the document into itself doubles it, so copies count together; Kubernetes bounds them alike. */
const COPIED_BYTES_MAX = JSON_BYTES_MAX;

interface Copies {
  /** Copied so far by this patch. */
  bytes: number;
}

type Path = readonly string[];

/** The document after all operations, in order; the first that fails ends it, and nothing is changed. */
export function applyJsonPatch(document: JsonValue, operations: unknown): JsonValue {
  if (!Array.isArray(operations))
    throw new JsonPatchError("a JSON patch is a list of operations", "no-patch");
  if (operations.length > OPERATIONS_MAX)
    throw new JsonPatchError(`more than ${OPERATIONS_MAX} operations`, "too-large");
  const copies: Copies = { bytes: 0 };
  let result = document;
  for (const [index, operation] of (operations as readonly unknown[]).entries()) {
    try {
      result = applyOne(result, operation, copies);
    } catch (error) {
      if (!(error instanceof JsonPatchError)) throw error;
      const message = `operation ${index} (${describe(operation)}): ${error.message}`;
      throw new JsonPatchError(message, error.fault);
    }
  }
  return result;
}

function applyOne(document: JsonValue, operation: unknown, copies: Copies): JsonValue {
  if (!isObject(operation)) throw new JsonPatchError("is not an object");
  const { op } = operation;
  const path = pointer(operation["path"], "path");
  switch (op) {
    case "add":
      return add(document, path, valueIn(operation));
    case "remove":
      return remove(document, path);
    case "replace":
      find(document, path);
      return path.length === 0
        ? valueIn(operation)
        : add(remove(document, path), path, valueIn(operation));
    case "move": {
      const from = pointer(operation["from"], "from");
      return add(remove(document, from), path, find(document, from));
    }
    case "copy":
      return add(
        document,
        path,
        copied(find(document, pointer(operation["from"], "from")), copies),
      );
    case "test":
      if (isDeepStrictEqual(find(document, path), valueIn(operation))) return document;
      throw new JsonPatchError("the value is another one", "failed-test");
    default:
      throw new JsonPatchError(
        `op ${JSON.stringify(op ?? null)} is none of add, remove, replace, move, copy, test`,
      );
  }
}

function copied(value: JsonValue, copies: Copies): JsonValue {
  copies.bytes += jsonBytes(value, COPIED_BYTES_MAX - copies.bytes);
  if (copies.bytes <= COPIED_BYTES_MAX) return value;
  throw new JsonPatchError(
    `copies of more than ${COPIED_BYTES_MAX} bytes in one patch, or deeper than ${JSON_DEPTH_MAX} levels`,
    "too-large",
  );
}

function find(document: JsonValue, path: Path): JsonValue {
  let value: JsonValue | undefined = document;
  for (const segment of path) {
    value = Array.isArray(value)
      ? (value as readonly JsonValue[])[indexIn(value, segment)]
      : isObject(value)
        ? ownField(value, segment)
        : undefined;
    if (value === undefined) throw new JsonPatchError(`${JSON.stringify(segment)} does not exist`);
  }
  return value;
}

function add(document: JsonValue, path: Path, value: JsonValue): JsonValue {
  const [head, ...rest] = path;
  if (head === undefined) return value;
  if (Array.isArray(document)) {
    const list = document as readonly JsonValue[];
    if (rest.length > 0) {
      const at = indexIn(list, head);
      return list.with(at, add(list[at] ?? null, rest, value));
    }
    const at = head === "-" ? list.length : indexIn(list, head, list.length);
    return list.toSpliced(at, 0, value);
  }
  if (!isObject(document))
    throw new JsonPatchError(`${JSON.stringify(head)} is below no object or list`);
  if (rest.length === 0) return { ...document, [head]: value };
  const inner = ownField(document, head);
  if (inner === undefined) throw new JsonPatchError(`${JSON.stringify(head)} does not exist`);
  return { ...document, [head]: add(inner, rest, value) };
}

function remove(document: JsonValue, path: Path): JsonValue {
  const [head, ...rest] = path;
  if (head === undefined) throw new JsonPatchError("the whole document cannot be removed");
  if (Array.isArray(document)) {
    const list = document as readonly JsonValue[];
    const at = indexIn(list, head);
    return rest.length === 0
      ? list.toSpliced(at, 1)
      : list.with(at, remove(list[at] ?? null, rest));
  }
  const inner = isObject(document) ? ownField(document, head) : undefined;
  if (!isObject(document) || inner === undefined)
    throw new JsonPatchError(`${JSON.stringify(head)} does not exist`);
  if (rest.length > 0) return { ...document, [head]: remove(inner, rest) };
  const { [head]: _, ...others } = document;
  return others;
}

function indexIn(list: readonly JsonValue[], segment: string, max = list.length - 1): number {
  const index = /^(0|[1-9]\d*)$/.test(segment) ? Number(segment) : Number.NaN;
  if (index <= max) return index;
  throw new JsonPatchError(`${JSON.stringify(segment)} is no place in a list of ${list.length}`);
}

/** RFC 6901. */
function pointer(text: unknown, name: string): Path {
  if (typeof text !== "string") throw new JsonPatchError(`${name} is missing`);
  if (text === "") return [];
  if (!text.startsWith("/"))
    throw new JsonPatchError(`${name} ${JSON.stringify(text)} has to start with /`);
  const parts = text.slice(1).split("/");
  if (parts.length > JSON_DEPTH_MAX)
    throw new JsonPatchError(`${name} goes deeper than ${JSON_DEPTH_MAX} levels`);
  return parts.map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function valueIn(operation: JsonObject): JsonValue {
  const { value } = operation;
  if (value === undefined) throw new JsonPatchError("value is missing");
  return value;
}

function describe(operation: unknown): string {
  if (!isObject(operation)) return "?";
  const words = [operation["op"], operation["path"]].filter((each) => typeof each === "string");
  return words.length === 0 ? "?" : words.join(" ");
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
