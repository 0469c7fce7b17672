/** How many seats a request takes. Pure. */
import type { Resource } from "#resources";

/** Kubernetes': work on so many objects is the work of one request. */
const OBJECTS_PER_SEAT = 100;
/** And its bound: a list is packed and sent in slices anyway. */
const LIST_SEATS_MAX = 10;

export interface Listing {
  readonly resource: Resource;
  /** Of the list's page. */
  readonly limit?: number;
  /** One object is asked for by its name. */
  readonly isOfOne: boolean;
}

/** Of a list, or of a watch that begins with one. `count` is of all objects of the kind. */
export function listSeats({ isOfOne, limit = 0 }: Listing, count: number, most: number): number {
  if (isOfOne) return 1;
  const objects = limit > 0 ? Math.min(limit, count) : count;
  return Math.max(1, Math.min(Math.ceil(objects / OBJECTS_PER_SEAT), LIST_SEATS_MAX, most));
}

/** Is it about the one object of a name? Then it is found by that. */
export function selectsOne(fieldSelector: string): boolean {
  return /^metadata\.name==?[^,!]+$/.test(fieldSelector);
}
