/** Sets of fields, as tries of path elements. Values: an operation that changes nothing gives back what it was given. */
import type { PathElement } from "./path.ts";

export interface FieldSet {
  /** Whether the place itself is in the set, and not only places below it. */
  readonly has: boolean;
  readonly children: ReadonlyMap<PathElement, FieldSet>;
}

const NONE: ReadonlyMap<PathElement, FieldSet> = new Map();

export const EMPTY: FieldSet = { has: false, children: NONE };
/** A place without anything below it. */
export const PLACE: FieldSet = { has: true, children: NONE };

export function fieldSet(has: boolean, children: ReadonlyMap<PathElement, FieldSet>): FieldSet {
  if (children.size === 0) return has ? PLACE : EMPTY;
  return { has, children };
}

export function isEmpty(set: FieldSet): boolean {
  return !set.has && set.children.size === 0;
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmpty(b)) return a;
  if (isEmpty(a)) return b;
  let children: Map<PathElement, FieldSet> | undefined;
  for (const [element, other] of b.children) {
    const mine = a.children.get(element);
    const both = mine === undefined ? other : union(mine, other);
    if (both === mine) continue;
    children ??= new Map(a.children);
    children.set(element, both);
  }
  const has = a.has || b.has;
  if (children === undefined && has === a.has) return a;
  return fieldSet(has, children ?? a.children);
}

/** `a` without the places that are in `b`; what lies below such a place stays. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  let children: Map<PathElement, FieldSet> | undefined;
  for (const [element, other] of b.children) {
    const mine = a.children.get(element);
    if (mine === undefined) continue;
    const rest = difference(mine, other);
    if (rest === mine) continue;
    children ??= new Map(a.children);
    if (isEmpty(rest)) children.delete(element);
    else children.set(element, rest);
  }
  const has = a.has && !b.has;
  if (children === undefined && has === a.has) return a;
  return fieldSet(has, children ?? a.children);
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const children = new Map<PathElement, FieldSet>();
  for (const [element, mine] of a.children) {
    const other = b.children.get(element);
    if (other === undefined) continue;
    const both = intersection(mine, other);
    if (!isEmpty(both)) children.set(element, both);
  }
  return fieldSet(a.has && b.has, children);
}

export function equal(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true;
  if (a.has !== b.has || a.children.size !== b.children.size) return false;
  for (const [element, mine] of a.children) {
    const other = b.children.get(element);
    if (other === undefined || !equal(mine, other)) return false;
  }
  return true;
}

/** The path of every place in the set, a place before those below it. */
export function* placesOf(
  set: FieldSet,
  path: readonly PathElement[] = [],
): Generator<readonly PathElement[]> {
  if (set.has) yield path;
  for (const [element, child] of set.children) yield* placesOf(child, [...path, element]);
}

/** A set of places given by their paths. */
export function setOf(...paths: readonly (readonly PathElement[])[]): FieldSet {
  return paths.reduce((set, path) => union(set, place(path)), EMPTY);
}

function place(path: readonly PathElement[]): FieldSet {
  return path.reduceRight((below, element) => fieldSet(false, new Map([[element, below]])), PLACE);
}
