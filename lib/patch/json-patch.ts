/** RFC 6902, on values that are never changed. */
import { isDeepStrictEqual } from "node:util";
import { JSON_DEPTH_MAX } from "#codec";
import type { JsonObject, JsonValue } from "../json.ts";
import { JSON_BYTES_MAX, jsonBytes } from "../json-bounds.ts";
import { ownField, setOwnField } from "./own-field.ts";

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

type Path = readonly string[];

/** The document after all operations, in order; the first that fails ends it, and nothing is changed. */
export function applyJsonPatch(document: JsonValue, operations: unknown): JsonValue {
  if (!Array.isArray(operations))
    throw new JsonPatchError("a JSON patch is a list of operations", "no-patch");
  if (operations.length > OPERATIONS_MAX)
    throw new JsonPatchError(`more than ${OPERATIONS_MAX} operations`, "too-large");
  const draft = new Draft(document);
  for (const [index, operation] of (operations as readonly unknown[]).entries()) {
    try {
      applyOne(draft, operation);
    } catch (error) {
      if (!(error instanceof JsonPatchError)) throw error;
      const message = `operation ${index} (${describe(operation)}): ${error.message}`;
      throw new JsonPatchError(message, error.fault);
    }
  }
  return draft.root;
}

function applyOne(draft: Draft, operation: unknown): void {
  if (!isObject(operation)) throw new JsonPatchError("is not an object");
  const { op } = operation;
  const path = pointer(operation["path"], "path");
  switch (op) {
    case "add":
      draft.add(path, valueIn(operation));
      return;
    case "remove":
      draft.remove(path);
      return;
    case "replace":
      draft.replace(path, valueIn(operation));
      return;
    case "move": {
      const from = pointer(operation["from"], "from");
      const moved = draft.find(from);
      draft.remove(from);
      draft.add(path, moved);
      return;
    }
    case "copy":
      draft.copy(pointer(operation["from"], "from"), path);
      return;
    case "test":
      if (isDeepStrictEqual(draft.find(path), valueIn(operation))) return;
      throw new JsonPatchError("the value is another one", "failed-test");
    default:
      throw new JsonPatchError(
        `op ${JSON.stringify(op ?? null)} is none of add, remove, replace, move, copy, test`,
      );
  }
}

type Container = Record<string, JsonValue> | JsonValue[];

/** The document as it becomes. Of what it was made of, an object or list is copied before the first change in it, and once. */
class Draft {
  root: JsonValue;
  /** Copies of ours. Each stands at one place only. */
  readonly #own = new WeakSet<object>();
  /** Of all copies that the patch asked for. */
  #copiedBytes = 0;

  constructor(root: JsonValue) {
    this.root = root;
  }

  find(path: Path): JsonValue {
    let value = this.root;
    for (const segment of path) value = childOf(value, segment);
    return value;
  }

  add(path: Path, value: JsonValue): void {
    const last = path.at(-1);
    if (last === undefined) {
      this.root = value;
      return;
    }
    const parent = this.#parentOf(path);
    if (Array.isArray(parent)) {
      const at = last === "-" ? parent.length : indexIn(parent, last, parent.length);
      parent.splice(at, 0, value);
    } else setOwnField(parent, last, value);
  }

  remove(path: Path): void {
    const last = path.at(-1);
    if (last === undefined) throw new JsonPatchError("the whole document cannot be removed");
    this.find(path);
    const parent = this.#parentOf(path);
    if (Array.isArray(parent)) parent.splice(indexIn(parent, last), 1);
    else delete parent[last];
  }

  replace(path: Path, value: JsonValue): void {
    this.find(path);
    const last = path.at(-1);
    if (last === undefined) this.root = value;
    else put(this.#parentOf(path), last, value);
  }

  /** A copy is made: what stands at two places must not change at both. */
  copy(from: Path, path: Path): void {
    const value = this.find(from);
    this.#copiedBytes += jsonBytes(value, COPIED_BYTES_MAX - this.#copiedBytes);
    if (this.#copiedBytes > COPIED_BYTES_MAX) {
      throw new JsonPatchError(
        `copies of more than ${COPIED_BYTES_MAX} bytes in one patch, or deeper than ${JSON_DEPTH_MAX} levels`,
        "too-large",
      );
    }
    this.add(path, structuredClone(value));
  }

  /** What the path's last segment is in, fit to be changed. */
  #parentOf(path: Path): Container {
    let parent = this.#fit(this.root, path[0]);
    this.root = parent;
    for (const [at, segment] of path.slice(0, -1).entries()) {
      const inner = this.#fit(childOf(parent, segment), path[at + 1]);
      put(parent, segment, inner);
      parent = inner;
    }
    return parent;
  }

  #fit(value: JsonValue, segment: string | undefined): Container {
    if (typeof value !== "object" || value === null)
      throw new JsonPatchError(`${JSON.stringify(segment)} is below no object or list`);
    if (this.#own.has(value)) return value as Container;
    const copy: Container = isObject(value) ? { ...value } : [...(value as readonly JsonValue[])];
    this.#own.add(copy);
    return copy;
  }
}

function childOf(value: JsonValue, segment: string): JsonValue {
  const child = Array.isArray(value)
    ? (value as readonly JsonValue[])[indexIn(value, segment)]
    : isObject(value)
      ? ownField(value, segment)
      : undefined;
  if (child === undefined) throw new JsonPatchError(`${JSON.stringify(segment)} does not exist`);
  return child;
}

/** In the place of what is there. */
function put(parent: Container, segment: string, value: JsonValue): void {
  if (Array.isArray(parent)) parent[indexIn(parent, segment)] = value;
  else setOwnField(parent, segment, value);
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
