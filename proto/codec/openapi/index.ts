/** The door to the API's description in OpenAPI's forms. Pure: from the tables and the table of kinds to documents. */
import { apiVersionOf, RESOURCES, type Resource } from "../../resources.ts";
import type { CustomSchema } from "./custom.ts";
import { gnosticDocument } from "./gnostic.ts";
import type { Docs } from "./schemas.ts";
import { v2Document } from "./v2.ts";
import { type OpenApiInfo, v3Document, v3Path } from "./v3.ts";

export type { CustomSchema } from "./custom.ts";
export type { OpenApiInfo } from "./v3.ts";

export interface OpenApiSource {
  /** `api/v1`, `apis/apps/v1`. */
  readonly paths: readonly string[];
  v3(path: string): Promise<Buffer>;
  v2Json(): Promise<Buffer>;
  v2Protobuf(): Promise<Buffer>;
}

/** Nothing is made before it is asked for, not even the texts read: many clusters never show them. */
export function openApiSource(
  info: OpenApiInfo,
  custom: readonly CustomSchema[] = [],
): OpenApiSource {
  const resources = [...RESOURCES, ...custom];
  const served = servedIn(RESOURCES);
  const byPath = Map.groupBy(resources, v3Path);
  const known = (path: string): readonly Resource[] => {
    const found = byPath.get(path);
    if (found === undefined) throw new Error(`no group version at ${path}`);
    return found;
  };
  const customAt = (path: string) => custom.filter((each) => v3Path(each) === path);
  const v2 = async () => v2Document(resources, served, await readDocs(), info, custom);
  return {
    paths: [...byPath.keys()].toSorted(),
    v3: async (path) =>
      jsonBytes(v3Document(known(path), served, await readDocs(), info, customAt(path))),
    v2Json: async () => jsonBytes(await v2()),
    v2Protobuf: async () => Buffer.from(gnosticDocument(await v2())),
  };
}

/** One row a group version is enough to say where DeleteOptions and its like appear. */
function servedIn(resources: readonly Resource[]): readonly Resource[] {
  return [...new Map(resources.map((resource) => [apiVersionOf(resource), resource])).values()];
}

/** Doc comments are half of the tables' size, and only these documents want them. */
async function readDocs(): Promise<Docs> {
  const { DOCS } = await import("../../gen/tables/docs.ts");
  return new Map(
    Object.entries(DOCS).flatMap(([pack, text]) =>
      Object.entries(JSON.parse(text) as Record<string, [string, Record<string, string>]>).map(
        ([name, docs]) => [`${pack}.${name}`, docs] as const,
      ),
    ),
  );
}

function jsonBytes(document: unknown): Buffer {
  return Buffer.from(JSON.stringify(document));
}
