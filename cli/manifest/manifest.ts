import type { JsonObject } from "#lib/json";

/** One object that a user wrote, and where, so that whatever is wrong with it can be pointed at. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string | undefined;
  readonly namespace: string | undefined;
  readonly object: JsonObject;
  readonly place: Place;
}

export interface Place {
  /** File, URL, or `-` for standard input. */
  readonly source: string;
  /** Counts the documents of the source, from 1. */
  readonly document: number;
  /** Line and column of a field, as `spec.containers[0].image`, or of the nearest field above it that is there. */
  lineOf(path: string): { readonly line: number; readonly column: number };
}

/** `web.yaml:12:7 (document 2)`: what editors and terminals jump to. */
export function formatPlace(place: Place, path = ""): string {
  const { line, column } = place.lineOf(path);
  const document = place.document > 1 ? ` (document ${place.document})` : "";
  return `${place.source}:${line}:${column}${document}`;
}
