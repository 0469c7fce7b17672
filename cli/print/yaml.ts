import { stringify } from "yaml";
import type { JsonValue } from "#lib/json";

/** As kubectl prints it: two spaces, no anchors, long lines left whole. */
export function formatYaml(value: JsonValue): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false, version: "1.1" });
}
