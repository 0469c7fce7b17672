/** What a version offers beside its objects: sub-resources, columns, fields to select by. */

import { compilePath } from "#lib/jsonpath";
import { JsonPathError } from "#lib/jsonpath-parse";
import type {
  CustomResourceColumnDefinition,
  CustomResourceSubresources,
  JSONSchemaProps,
  SelectableField,
} from "#proto/apiextensions/v1";
import { type Causes, duplicate, invalid, required } from "../causes.ts";
import { nonEmpty, oneOf, repeats, requiredOneOf } from "../checks.ts";

const COLUMN_TYPES = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS = [
  "byte",
  "date",
  "date-time",
  "double",
  "float",
  "int32",
  "int64",
  "name",
  "password",
];
/** A path of names, without lists. */
const SIMPLE_PATH = /^(?:\.[A-Za-z_][A-Za-z0-9_-]*)+$/;
const SELECTABLE_MAX = 8;

export function subresourceProblems(
  { scale }: CustomResourceSubresources = {},
  path: string,
): Causes {
  if (scale === undefined) return [];
  const { labelSelectorPath = "", specReplicasPath, statusReplicasPath } = scale;
  return [
    ...replicasPath(`${path}.scale.specReplicasPath`, specReplicasPath, [".spec."]),
    ...replicasPath(`${path}.scale.statusReplicasPath`, statusReplicasPath, [".status."]),
    ...(labelSelectorPath === ""
      ? []
      : replicasPath(`${path}.scale.labelSelectorPath`, labelSelectorPath, [".spec.", ".status."])),
  ];
}

function replicasPath(path: string, value: string, roots: readonly string[]): Causes {
  if (value === "") return [required(path)];
  const isWell = SIMPLE_PATH.test(value) && roots.some((root) => value.startsWith(root));
  const where = roots.map((root) => root.slice(0, -1)).join(" or ");
  return isWell ? [] : [invalid(path, value, `should be a json path under ${where}`)];
}

export function columnProblems(
  columns: readonly CustomResourceColumnDefinition[] = [],
  path: string,
): Causes {
  return columns.flatMap(({ format, jsonPath, name, type }, at) => [
    ...nonEmpty(`${path}[${at}].name`, name),
    ...requiredOneOf(`${path}[${at}].type`, type, COLUMN_TYPES),
    ...(format ? oneOf(`${path}[${at}].format`, format, COLUMN_FORMATS) : []),
    ...nonEmpty(`${path}[${at}].jsonPath`, jsonPath),
    ...(jsonPath === "" ? [] : pathProblems(`${path}[${at}].jsonPath`, jsonPath)),
  ]);
}

function pathProblems(at: string, path: string): Causes {
  if (!path.startsWith("."))
    return [invalid(at, path, "is an invalid path: it must start with a dot")];
  try {
    compilePath(path);
    return [];
  } catch (error) {
    if (!(error instanceof JsonPathError)) throw error;
    return [invalid(at, path, `is an invalid path: ${error.message}`)];
  }
}

export function selectableProblems(
  fields: readonly SelectableField[] = [],
  schema: JSONSchemaProps | undefined,
  path: string,
): Causes {
  const paths = fields.map(({ jsonPath }) => jsonPath);
  const tooMany =
    fields.length > SELECTABLE_MAX
      ? [
          {
            reason: "FieldValueTooMany",
            field: path,
            message: `Too many: ${fields.length}: must have at most ${SELECTABLE_MAX} items`,
          },
        ]
      : [];
  const isTwice = repeats(paths);
  return [
    ...tooMany,
    ...paths.flatMap((each, at) => {
      const here = `${path}[${at}].jsonPath`;
      if (each === "") return [required(here)];
      if (isTwice[at]) return [duplicate(here, each)];
      return isSelectable(schema, each)
        ? []
        : [
            invalid(
              here,
              each,
              "is an invalid path: it must be that of a string, boolean or integer field, and not within metadata or a list",
            ),
          ];
    }),
  ];
}

function isSelectable(schema: JSONSchemaProps | undefined, path: string): boolean {
  if (!SIMPLE_PATH.test(path) || path.startsWith(".metadata.")) return false;
  let field = schema;
  for (const step of path.split(".").slice(1)) field = field?.properties?.[step];
  return field !== undefined && ["boolean", "integer", "string"].includes(field.type ?? "");
}
