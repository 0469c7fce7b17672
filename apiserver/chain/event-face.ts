/** Events have two faces: what `events.k8s.io/v1` calls its fields, and what `v1`, as which they are stored, does. */
import type { JsonObject, JsonValue } from "#lib/json";
import type { Face } from "./faces.ts";

/** The old face's name of each field that has two. */
const OLD_NAMES: Readonly<Record<string, string>> = {
  regarding: "involvedObject",
  note: "message",
  reportingController: "reportingComponent",
  deprecatedSource: "source",
  deprecatedFirstTimestamp: "firstTimestamp",
  deprecatedLastTimestamp: "lastTimestamp",
  deprecatedCount: "count",
};
const NEW_NAMES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(OLD_NAMES).map(([now, before]) => [before, now]),
);

export const eventFace: Face = {
  show: (stored) => renamed(stored, NEW_NAMES),
  store: (shown) => renamed(shown, OLD_NAMES),
  selector: (text) =>
    text
      .replaceAll(/\bregarding\./g, "involvedObject.")
      .replaceAll(/\breportingController\b/g, "reportingComponent"),
};

function renamed(object: JsonObject, names: Readonly<Record<string, string>>): JsonObject {
  const entries = Object.entries(object).map(([name, value]): [string, JsonValue] => [
    names[name] ?? name,
    value,
  ]);
  return Object.fromEntries(entries);
}
