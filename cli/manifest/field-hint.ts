import { type Message, schemaOf } from "#codec";
import { nearest } from "../nearest.ts";

/** Deeper than any field that people write by hand; kinds that contain themselves end here. */
const DEPTH_MAX = 8;

/**
 * How to mend a field that the kind does not have, for example `did you mean image?` or
 * `it belongs in spec.template.spec`; undefined when there is nothing to suggest. `path` is as `spec.containers[0].imagee`.
 */
export function fieldHint(apiVersion: string, kind: string, path: string): string | undefined {
  const root = schemaOf(apiVersion, kind);
  if (root === undefined) return undefined;
  const names = path.replaceAll(/\[[^\]]*\]/g, "").split(".");
  const name = names.pop() ?? "";
  const parent = messageAt(root, names);
  if (parent !== undefined) {
    const near = nearest(name, [...parent.byName.keys()]);
    if (near !== undefined) return `did you mean ${near}?`;
    const below = placeOf(parent, name);
    if (below !== undefined) return `it belongs in ${[...names, ...below].join(".")}`;
  }
  const elsewhere = placeOf(root, name);
  return elsewhere && `it belongs in ${elsewhere.join(".") || "the top of the object"}`;
}

function messageAt(root: Message, names: readonly string[]): Message | undefined {
  let message: Message | undefined = root;
  for (const name of names) message = message?.byName.get(name)?.message;
  return message;
}

interface Place {
  readonly message: Message;
  /** Lists as `containers[]`. */
  readonly path: readonly string[];
  readonly isRequired: boolean;
}

/** The nearest place below that has a field of this name; among equals, one that every object has. */
function placeOf(root: Message, name: string): readonly string[] | undefined {
  const seen = new Set<Message>([root]);
  let level: readonly Place[] = [{ message: root, path: [], isRequired: true }];
  for (let depth = 0; depth < DEPTH_MAX; depth++) {
    const having = level.filter(({ message }) => message.byName.has(name));
    const found = having.find(({ isRequired }) => isRequired) ?? having[0];
    if (found !== undefined) return found.path;
    level = level.flatMap((place) => placesIn(place, seen));
  }
  return undefined;
}

function placesIn({ message, path }: Place, seen: Set<Message>): Place[] {
  const fields = [...message.byName.values()].toSorted(
    (a, b) => Number(b.isRequired) - Number(a.isRequired),
  );
  const found: Place[] = [];
  for (const { name, message: inner, isList, isRequired } of fields) {
    if (inner === undefined || seen.has(inner)) continue;
    seen.add(inner);
    found.push({ message: inner, path: [...path, isList ? `${name}[]` : name], isRequired });
  }
  return found;
}
