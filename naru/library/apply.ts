/** Manifests as tests write them: YAML text, or plain objects. */
import type { Client } from "#client";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { ApiObject } from "#proto";
import { apiVersionOf, RESOURCES, type Resource } from "#resources";

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

const DEFAULT_NAMESPACE = "default";

/**
 * Creates what is not there, and merges what is said into what is (RFC 7386: lists are replaced, fields that are not
 * said stay). Throws on text that is not YAML and on kinds that are not served, before anything is written.
 */
export async function applyManifests(
  client: Client,
  source: Manifests,
): Promise<readonly ApiObject[]> {
  const given = typeof source === "string" ? await parsed(source) : source;
  const wanted = manifestsOf(given).map((manifest) => ({
    manifest,
    resource: resourceOf(manifest),
  }));
  const applied: ApiObject[] = [];
  for (const { manifest, resource } of wanted) {
    applied.push(await applyOne(client, resource, placed(resource, manifest)));
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

function resourceOf({ apiVersion, kind, metadata }: Manifest): Resource {
  const found = RESOURCES.find((each) => each.kind === kind && apiVersionOf(each) === apiVersion);
  if (found !== undefined) return found;
  const name = metadata?.name === undefined ? "" : ` "${metadata.name}"`;
  throw new Error(`manifest${name}: kind "${kind}" of version "${apiVersion}" is not served`);
}

function placed(resource: Resource, manifest: Manifest): JsonObject {
  const metadata = {
    ...(resource.namespaced ? { namespace: DEFAULT_NAMESPACE } : {}),
    ...manifest.metadata,
  };
  return { ...manifest, metadata } as unknown as JsonObject;
}

async function applyOne(
  client: Client,
  resource: Resource,
  object: JsonObject,
): Promise<ApiObject> {
  try {
    return await client.create<ApiObject>(resource, object as never);
  } catch (error) {
    const { name, namespace } = object["metadata"] as {
      readonly name?: string;
      readonly namespace?: string;
    };
    if (!StatusError.is(error, "AlreadyExists") || name === undefined) throw error;
    const key = namespace === undefined ? { name } : { namespace, name };
    return await client.patch(resource, key, { type: "merge", body: object });
  }
}
