/** What nobody owns: it says which object it is, or is the server's own. */
import { difference, type FieldSet, setOf } from "./field-set.ts";

/** Of metadata it is the place itself that nobody owns, and these fields in it. */
export const UNOWNED_METADATA: ReadonlySet<string> = new Set([
  "name",
  "namespace",
  "creationTimestamp",
  "selfLink",
  "uid",
  "generation",
  "managedFields",
  "resourceVersion",
]);

export const UNOWNED_AT_TOP: ReadonlySet<string> = new Set(["apiVersion", "kind", "metadata"]);

const UNOWNED: FieldSet = setOf(
  ...[...UNOWNED_AT_TOP].map((name) => [`f:${name}`]),
  ...[...UNOWNED_METADATA].map((name) => ["f:metadata", `f:${name}`]),
);

/** The set without what nobody owns. */
export function ownable(set: FieldSet): FieldSet {
  return difference(set, UNOWNED);
}
