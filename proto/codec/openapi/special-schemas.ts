import type { JsonObject } from "#proto";

/** OpenAPI v2 knows no `oneOf`, so amounts and ports are plain strings there. */
export type Dialect = "v2" | "v3";

const BOTH: ReadonlyMap<string, JsonObject> = new Map([
  [
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time",
    { description: "A moment in whole seconds, as RFC 3339.", type: "string", format: "date-time" },
  ],
  [
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime",
    { description: "A moment in microseconds, as RFC 3339.", type: "string", format: "date-time" },
  ],
  [
    "io.k8s.apimachinery.pkg.apis.meta.v1.Duration",
    { description: "A span of time, such as 1h30m.", type: "string" },
  ],
  [
    "io.k8s.apimachinery.pkg.runtime.RawExtension",
    { description: "Any object, kept as it was sent.", type: "object" },
  ],
  [
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1",
    { description: "The fields that a manager owns, by their paths.", type: "object" },
  ],
]);

const QUANTITY = "An amount with an optional suffix: 500m, 1.5, 128Mi.";
const INT_OR_STRING = "A number, or a string such as a port's name or a percentage.";

export function specialSchema(name: string, dialect: Dialect): JsonObject | undefined {
  if (name.endsWith(".Quantity")) {
    return dialect === "v2"
      ? { description: QUANTITY, type: "string" }
      : { description: QUANTITY, oneOf: [{ type: "string" }, { type: "number" }] };
  }
  if (name.endsWith(".IntOrString")) {
    const format = "int-or-string";
    return dialect === "v2"
      ? { description: INT_OR_STRING, type: "string", format }
      : { description: INT_OR_STRING, format, oneOf: [{ type: "integer" }, { type: "string" }] };
  }
  return BOTH.get(name);
}
