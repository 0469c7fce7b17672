import {
  type Document,
  isCollection,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  parseAllDocuments,
} from "yaml";
import type { JsonObject, JsonValue } from "#lib/json";
import { KUBERNETES_YAML } from "#lib/yaml";
import { UserError } from "../terminal.ts";
import { formatPlace, type Manifest, type Place } from "./manifest.ts";
import { aliasError, syntaxError } from "./syntax-error.ts";

/** A manifest of ours is kilobytes; a YAML bomb is not worth its memory. */
const ALIASES_MAX = 100;

/** Reads all objects of a text: YAML or JSON, several documents, and Lists taken apart. */
export function parseManifests(source: string, text: string): Manifest[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { ...KUBERNETES_YAML, lineCounter: lines });
  if (!Array.isArray(documents)) return [];
  const found: Manifest[] = [];
  for (const [at, document] of documents.entries()) {
    const place = placeIn(source, at + 1, document, lines);
    const [problem] = document.errors;
    if (problem !== undefined) throw syntaxError(place, problem);
    const value = plainValue(document, place);
    // An empty document between two separators says nothing, and is no mistake.
    if (value === null || value === undefined) continue;
    found.push(...manifestsOf(value, place, ""));
  }
  return found;
}

function plainValue(document: Document.Parsed, place: Place): JsonValue | undefined {
  try {
    return document.toJS({ maxAliasCount: ALIASES_MAX }) as JsonValue | undefined;
  } catch (error) {
    if (error instanceof ReferenceError) throw aliasError(place, error);
    throw error;
  }
}

function manifestsOf(value: JsonValue, place: Place, path: string): Manifest[] {
  if (!isObject(value)) {
    throw new UserError(`${formatPlace(place, path)}: expected an object with apiVersion and kind`);
  }
  const kind = requireText(value, "kind", place, path);
  const apiVersion = requireText(value, "apiVersion", place, path);
  const { items } = value;
  if (kind.endsWith("List") && Array.isArray(items)) {
    const prefix = path === "" ? "" : `${path}.`;
    return items.flatMap((item: JsonValue, at) =>
      manifestsOf(item, place, `${prefix}items[${at}]`),
    );
  }
  const metadata = value["metadata"];
  const text = (key: string): string | undefined => {
    const found = isObject(metadata) ? metadata[key] : undefined;
    return typeof found === "string" && found !== "" ? found : undefined;
  };
  const here: Place = {
    ...place,
    lineOf: (inner) =>
      place.lineOf(path === "" || inner === "" ? path || inner : `${path}.${inner}`),
  };
  return [
    {
      apiVersion,
      kind,
      name: text("name"),
      namespace: text("namespace"),
      object: value,
      place: here,
    },
  ];
}

function requireText(value: JsonObject, key: string, place: Place, path: string): string {
  const found = value[key];
  if (typeof found === "string" && found !== "") return found;
  const at = formatPlace(place, path);
  const example =
    key === "kind" ? "for example `kind: Deployment`" : "for example `apiVersion: apps/v1`";
  throw new UserError(
    found === undefined
      ? `${at}: ${key} is missing; add it, ${example}`
      : `${at}: ${key} is ${JSON.stringify(found)}; it has to be text, ${example}`,
  );
}

function placeIn(
  source: string,
  document: number,
  parsed: Document.Parsed,
  lines: LineCounter,
): Place {
  return {
    source,
    document,
    lineOf(path) {
      const offset = offsetOf(parsed, segments(path)) ?? firstOffset(parsed);
      const { line, col } = lines.linePos(offset);
      return { line: Math.max(line, 1), column: Math.max(col, 1) };
    },
  };
}

/** Where the key of the deepest part of the path that exists stands. */
function offsetOf(
  document: Document.Parsed,
  path: readonly (number | string)[],
): number | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const segment of path) {
    if (!isCollection(node)) break;
    const pair = isMap(node)
      ? node.items.find(({ key }) => isScalar(key) && key.value === segment)
      : undefined;
    const next = pair?.value ?? node.get(segment, true);
    const from = (pair?.key ?? next) as Node | undefined;
    if (from?.range === undefined || from.range === null) break;
    offset = from.range[0];
    node = next;
  }
  return offset;
}

function firstOffset(document: Document.Parsed): number {
  return document.contents?.range?.[0] ?? document.range[0];
}

/** `a.b[0].c` → ["a", "b", 0, "c"]; keys with dots are written `a[x.y/z]`, as Kubernetes writes map keys. */
function segments(path: string): (number | string)[] {
  return [...path.matchAll(/([^.[\]]+)|\[([^\]]*)\]/g)].map(([, name, index]) =>
    index === undefined ? (name ?? "") : /^\d+$/.test(index) ? Number(index) : index,
  );
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
