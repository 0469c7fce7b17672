import type { JsonObject, JsonValue } from "#proto";
import type { Resource } from "../../resources.ts";
import type { CustomSchema } from "./custom.ts";
import { type Operation, type Path, pathsOf } from "./operations.ts";
import { type Parameter, PRETTY } from "./parameters.ts";
import { type Docs, SchemaSet } from "./schemas.ts";
import { ANSWER_TYPES, type OpenApiInfo, patchTypesOf, sortKeys, TEXTS } from "./v3.ts";

/** One document for all group versions: what older clients read. */
export function v2Document(
  all: readonly Resource[],
  served: readonly Resource[],
  docs: Docs,
  info: OpenApiInfo,
  custom: readonly CustomSchema[] = [],
): JsonObject {
  const schemas = new SchemaSet("v2", docs, served);
  for (const each of custom) schemas.addCustom(each);
  const paths: Record<string, JsonValue> = {};
  for (const path of all.flatMap(pathsOf)) paths[path.path] = pathItem(path, schemas);
  for (const extra of ["meta.v1.Status", "meta.v1.WatchEvent"]) schemas.reference(extra);
  return {
    swagger: "2.0",
    info: { title: "Naru", version: info.version },
    paths: sortKeys(paths),
    definitions: schemas.sorted(),
    securityDefinitions: {
      BearerToken: {
        description: "A bearer token",
        type: "apiKey",
        name: "authorization",
        in: "header",
      },
    },
    security: [{ BearerToken: [] }],
  };
}

function pathItem(path: Path, schemas: SchemaSet): JsonObject {
  const item: Record<string, JsonValue> = {};
  for (const operation of path.operations)
    item[operation.method] = operationObject(operation, schemas);
  item["parameters"] = [...path.parameters, PRETTY].map(parameterObject);
  return item;
}

function operationObject(operation: Operation, schemas: SchemaSet): JsonObject {
  const body =
    operation.body === undefined ? [] : [bodyParameter(operation, operation.body, schemas)];
  const schema =
    operation.answer === undefined ? { type: "string" } : schemas.reference(operation.answer);
  const codes = operation.codes.map((code) => [
    String(code),
    { description: TEXTS.get(code) ?? "", schema },
  ]);
  return {
    description: operation.description,
    consumes: operation.action === "patch" ? patchTypesOf(operation) : ["*/*"],
    produces: operation.answer === undefined ? ["*/*"] : ANSWER_TYPES,
    schemes: ["https"],
    tags: [operation.tag],
    operationId: operation.id,
    parameters: [...body, ...operation.parameters.map(parameterObject)],
    responses: { ...Object.fromEntries(codes), 401: { description: "Unauthorized" } },
    "x-kubernetes-action": operation.action,
    "x-kubernetes-group-version-kind": operation.gvk,
  };
}

function bodyParameter(operation: Operation, body: string, schemas: SchemaSet): JsonObject {
  return {
    name: "body",
    in: "body",
    ...(operation.method === "delete" ? {} : { required: true }),
    schema: schemas.reference(body),
  };
}

function parameterObject(parameter: Parameter): JsonObject {
  return {
    uniqueItems: true,
    type: parameter.type,
    description: parameter.description,
    name: parameter.name,
    in: parameter.in,
    ...(parameter.isRequired ? { required: true } : {}),
  };
}
