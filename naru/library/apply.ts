/** Manifests as tests write them: YAML text, or plain objects. */
import type { Client } from "#client";
import { isConditionTrue } from "#lib/api/condition";
import type { JsonObject } from "#lib/json";
import type { ApiObject } from "#proto";
import type { CustomResourceDefinition } from "#proto/apiextensions/v1";
import { apiVersionOf, customResourceDefinitions, type Resource } from "#resources";

/** YAML of any number of documents, an object as a manifest has it, or several. */
export type Manifests = string | object | readonly object[];

interface Manifest {
  readonly apiVersion?: unknown;
  readonly kind?: unknown;
  readonly items?: readonly object[];
  readonly metadata?: {
    readonly name?: string;
    readonly generateName?: string;
    readonly namespace?: string;
  };
}

export interface ApplyOptions {
  readonly client: Client;
  /** What is served at the time of asking. */
  readonly kinds: () => readonly Resource[];
  /** Resolves when a definition's kind is served. */
  readonly untilServed: (
    name: string,
    holds: (definition: CustomResourceDefinition) => boolean,
  ) => Promise<unknown>;
}

const DEFAULT_NAMESPACE = "default";
/** Owns what is applied; fields that a later manifest leaves out go, those of others stay. */
const FIELD_MANAGER = "naru";

/**
 * Server-side apply of each, in their order, taking over what others own with other values. Objects with a generateName
 * are created. Objects of a kind that the same manifests define wait until it is served. Throws on text that is not YAML
 * and on kinds that are not served, before anything is written.
 */
export async function applyManifests(
  source: Manifests,
  options: ApplyOptions,
): Promise<readonly ApiObject[]> {
  const manifests = manifestsOf(typeof source === "string" ? await parsed(source) : source);
  for (const manifest of manifests) {
    if (!manifests.some((each) => defines(each, manifest))) kindOf(options.kinds(), manifest);
  }
  const applied: ApiObject[] = [];
  for (const manifest of manifests) {
    const resource = kindOf(options.kinds(), manifest);
    applied.push(await applyOne(options.client, resource, placed(resource, manifest)));
    if (resource === customResourceDefinitions) {
      await options.untilServed(manifest.metadata?.name ?? "", ({ status }) =>
        isConditionTrue(status.conditions, "Established"),
      );
    }
  }
  return applied;
}

async function parsed(text: string): Promise<readonly object[]> {
  const { yamlDocuments } = await import("./yaml-documents.ts");
  return yamlDocuments(text);
}

/** A List is its items. */
function manifestsOf(given: object | readonly object[]): readonly Manifest[] {
  return [given].flat().flatMap((each: Manifest) => {
    const isList = typeof each.kind === "string" && each.kind.endsWith("List");
    return isList && each.items !== undefined ? manifestsOf(each.items) : [each];
  });
}

/** Whether the first is the definition of the second's kind. */
function defines(definition: Manifest, { apiVersion, kind }: Manifest): boolean {
  if (definition.kind !== customResourceDefinitions.kind) return false;
  const { spec } = definition as unknown as CustomResourceDefinition;
  return spec?.names?.kind === kind && String(apiVersion).startsWith(`${spec?.group}/`);
}

function kindOf(kinds: readonly Resource[], manifest: Manifest): Resource {
  const { apiVersion, kind, metadata } = manifest;
  const found = findKind(kinds, String(apiVersion), String(kind));
  if (found !== undefined) return found;
  const name = metadata?.name === undefined ? "" : ` "${metadata.name}"`;
  throw new Error(`manifest${name}: kind "${kind}" of version "${apiVersion}" is not served`);
}

export function findKind(
  kinds: readonly Resource[],
  apiVersion: string,
  kind: string,
): Resource | undefined {
  return kinds.find((each) => each.kind === kind && apiVersionOf(each) === apiVersion);
}

function placed(resource: Resource, manifest: Manifest): JsonObject {
  const metadata = {
    ...(resource.namespaced ? { namespace: DEFAULT_NAMESPACE } : {}),
    ...manifest.metadata,
  };
  return { ...manifest, metadata } as unknown as JsonObject;
}

function applyOne(client: Client, resource: Resource, object: JsonObject): Promise<ApiObject> {
  const { name, namespace } = object["metadata"] as NonNullable<Manifest["metadata"]>;
  if (name === undefined) return client.create<ApiObject>(resource, object as never);
  const key = namespace === undefined ? { name } : { namespace, name };
  return client.patch(
    resource,
    key,
    { type: "apply", body: object, force: true },
    { fieldManager: FIELD_MANAGER },
  );
}
