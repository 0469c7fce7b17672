/** The columns of a custom kind's table, as its definition names them. */
import type { JsonObject, JsonValue } from "#lib/json";
import { compilePath } from "#lib/jsonpath";
import type { CustomResourceColumnDefinition } from "#proto/apiextensions/v1";
import { age } from "../table/duration.ts";
import type { Column, Row } from "../table/table.ts";

type Cell = (object: JsonObject, nowMs: number) => JsonValue;

const NAME: Column = {
  name: "Name",
  type: "string",
  format: "name",
  description: "Name of the object, unique among its kind in its namespace.",
  priority: 0,
};
const AGE: CustomResourceColumnDefinition = {
  name: "Age",
  type: "date",
  description: "Time since the object was created.",
  jsonPath: ".metadata.creationTimestamp",
};

export interface Columns {
  readonly columns: readonly Column[];
  row(object: JsonObject, nowMs: number): Row;
}

export function compileColumns(
  definitions: readonly CustomResourceColumnDefinition[] = [],
): Columns {
  const given = definitions.length === 0 ? [AGE] : definitions;
  const cells = given.map(cellOf);
  return {
    columns: [NAME, ...given.map(columnOf)],
    row: (object, nowMs) => {
      const { name = "" } = object["metadata"] as { readonly name?: string };
      return { cells: [name, ...cells.map((cell) => cell(object, nowMs))] };
    },
  };
}

function columnOf(given: CustomResourceColumnDefinition): Column {
  const { description = "", format = "", name, priority = 0, type } = given;
  return { name, type, format, description, priority };
}

function cellOf({ jsonPath, type }: CustomResourceColumnDefinition): Cell {
  const select = compilePath(jsonPath);
  return (object, nowMs) => {
    const found = select(object);
    const [value] = found;
    if (value === undefined) return null;
    return type === "string" ? found.map(textOf).join(" ") : typed(type, value, nowMs);
  };
}

function textOf(value: JsonValue): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Null for a value of another type: the cell stays empty. */
function typed(type: string, value: JsonValue, nowMs: number): JsonValue {
  switch (type) {
    case "integer":
      return typeof value === "number" ? Math.trunc(value) : null;
    case "number":
      return typeof value === "number" ? value : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "date":
      if (typeof value !== "string") return null;
      return Number.isNaN(Date.parse(value)) ? "<invalid>" : age(value, nowMs);
    default:
      return null;
  }
}
