import type { JsonObject, JsonValue } from "#proto";
import type { Resource } from "../../resources.ts";
import type { CustomSchema } from "./custom.ts";
import { type Operation, type Path, pathsOf, rootOf } from "./operations.ts";
import { type Parameter, PRETTY } from "./parameters.ts";
import { type Docs, SchemaSet } from "./schemas.ts";

export const ANSWER_TYPES = [
  "application/json",
  "application/yaml",
  "application/vnd.kubernetes.protobuf",
] as const;
/** kubectl looks here for what it may send. */
const PATCH_TYPES = [
  "application/apply-patch+yaml",
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
] as const;

const CUSTOM_PATCH_TYPES = PATCH_TYPES.filter((type) => !type.includes("strategic"));

export function patchTypesOf({ isCustom }: Operation): readonly string[] {
  return isCustom ? CUSTOM_PATCH_TYPES : PATCH_TYPES;
}

export interface OpenApiInfo {
  /** `v1.36.0`. */
  readonly version: string;
}

/** The document of one group version: `resources` are its rows, `served` one row of each that is served. */
export function v3Document(
  resources: readonly Resource[],
  served: readonly Resource[],
  docs: Docs,
  info: OpenApiInfo,
  custom: readonly CustomSchema[] = [],
): JsonObject {
  const schemas = new SchemaSet("v3", docs, served);
  for (const each of custom) schemas.addCustom(each);
  const paths: Record<string, JsonValue> = {};
  for (const path of resources.flatMap(pathsOf)) paths[path.path] = pathItem(path, schemas);
  for (const extra of ["meta.v1.Status", "meta.v1.WatchEvent"]) schemas.reference(extra);
  return {
    openapi: "3.0.0",
    info: { title: "Naru", version: info.version },
    paths: sortKeys(paths),
    components: {
      schemas: schemas.sorted(),
      securitySchemes: {
        BearerToken: {
          description: "A bearer token",
          type: "apiKey",
          name: "authorization",
          in: "header",
        },
      },
    },
  };
}

/** `api/v1`, `apis/apps/v1`. */
export function v3Path(resource: Pick<Resource, "group" | "version">): string {
  return rootOf(resource).slice(1);
}

export function sortKeys(value: Readonly<Record<string, JsonValue>>): JsonObject {
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function pathItem(path: Path, schemas: SchemaSet): JsonObject {
  const item: Record<string, JsonValue> = {};
  for (const operation of path.operations)
    item[operation.method] = operationObject(operation, schemas);
  item["parameters"] = [...path.parameters, PRETTY].map(parameterObject);
  return item;
}

function operationObject(operation: Operation, schemas: SchemaSet): JsonObject {
  return {
    tags: [operation.tag],
    description: operation.description,
    operationId: operation.id,
    ...(operation.parameters.length > 0
      ? { parameters: operation.parameters.map(parameterObject) }
      : {}),
    ...(operation.body === undefined
      ? {}
      : { requestBody: bodyObject(operation, operation.body, schemas) }),
    responses: responses(operation, schemas),
    "x-kubernetes-action": operation.action,
    "x-kubernetes-group-version-kind": operation.gvk,
  };
}

function parameterObject(parameter: Parameter): JsonObject {
  return {
    name: parameter.name,
    in: parameter.in,
    description: parameter.description,
    ...(parameter.isRequired ? { required: true } : {}),
    schema: { type: parameter.type, uniqueItems: true },
  };
}

function bodyObject(operation: Operation, body: string, schemas: SchemaSet): JsonObject {
  const types = operation.action === "patch" ? patchTypesOf(operation) : ["*/*"];
  return {
    content: contentOf(types, schemas.reference(body)),
    // A DELETE may come without one.
    ...(operation.method === "delete" ? {} : { required: true }),
  };
}

function responses(operation: Operation, schemas: SchemaSet): JsonObject {
  const { answer } = operation;
  const types =
    operation.action === "list" ? [...ANSWER_TYPES, "application/json;stream=watch"] : ANSWER_TYPES;
  const content =
    answer === undefined
      ? { "*/*": { schema: { type: "string" } } }
      : contentOf(types, schemas.reference(answer));
  const entries = operation.codes.map((code) => [
    String(code),
    { description: TEXTS.get(code) ?? "", content },
  ]);
  return { ...Object.fromEntries(entries), 401: { description: "Unauthorized" } };
}

export const TEXTS: ReadonlyMap<number, string> = new Map([
  [200, "OK"],
  [201, "Created"],
  [202, "Accepted"],
]);

function contentOf(types: readonly string[], schema: JsonObject): JsonObject {
  return Object.fromEntries(types.map((type) => [type, { schema }]));
}
