import type { JsonObject } from "#lib/json";
import { patchSchemaOf } from "#lib/patch/kind-schema";
import { threeWayPatch } from "#lib/patch/three-way";
import { StatusError } from "#lib/status-error";
import { pathOf } from "../connection/path.ts";
import { readManifests } from "../manifest/read.ts";
import { qualifiedName } from "../print/output.ts";
import type { Session } from "../session.ts";
import { bodyOf, explainRefusal, type Target, targetOf } from "./write.ts";

export interface ApplyOptions {
  readonly filename: readonly string[];
  readonly recursive?: boolean;
  readonly dryRun?: "none" | "server";
}

/** kubectl's annotation, so that both tools can be used on the same object. */
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";
const FIELD_MANAGER = "naru-apply";
/** Another writer may change the object between our read and our patch. */
const TRIES = 5;

/** Makes the cluster's objects what the files say, leaving alone what the files never said. */
export async function apply(session: Session, options: ApplyOptions): Promise<void> {
  const recursive = options.recursive ?? false;
  const manifests = await readManifests(session.terminal, options.filename, { recursive });
  // All are resolved before the first is sent, so that a mistake in the last leaves nothing half done.
  const targets = manifests.map((manifest) => targetOf(session, manifest));
  for (const target of targets) {
    const outcome = await applyOne(session, target, options).catch((error: unknown) => {
      throw explainRefusal(target, error);
    });
    const dry = options.dryRun === "server" ? " (server dry run)" : "";
    session.terminal.out(`${qualifiedName(target.manifest.object)} ${outcome}${dry}\n`);
  }
}

type Outcome = "configured" | "created" | "unchanged";

async function applyOne(session: Session, target: Target, options: ApplyOptions): Promise<Outcome> {
  const modified = withLastApplied(bodyOf(target));
  for (let tries = 1; ; tries++) {
    try {
      const live = await find(session, target);
      if (live === undefined) return await create(session, target, modified, options);
      return await patch(session, target, { modified, live }, options);
    } catch (error) {
      const isRace = StatusError.is(error, "Conflict") || StatusError.is(error, "AlreadyExists");
      if (!isRace || tries >= TRIES) throw error;
    }
  }
}

async function find(session: Session, target: Target): Promise<JsonObject | undefined> {
  try {
    return await session.connection.json(pathOf(target), { signal: session.signal });
  } catch (error) {
    if (StatusError.is(error, "NotFound")) return undefined;
    throw error;
  }
}

async function create(
  session: Session,
  target: Target,
  body: JsonObject,
  options: ApplyOptions,
): Promise<Outcome> {
  await session.connection.json(pathOf({ ...target, name: undefined }), {
    method: "POST",
    body,
    query: writeQuery(options),
    signal: session.signal,
    onWarning: session.warn,
  });
  return "created";
}

async function patch(
  session: Session,
  target: Target,
  { modified, live }: { readonly modified: JsonObject; readonly live: JsonObject },
  options: ApplyOptions,
): Promise<Outcome> {
  const body = threeWayPatch({
    original: lastAppliedOf(live),
    modified,
    current: live,
    schema: patchSchemaOf(target.manifest.apiVersion, target.manifest.kind),
  });
  if (Object.keys(body).length === 0) return "unchanged";
  await session.connection.json(pathOf(target), {
    method: "PATCH",
    contentType: "application/strategic-merge-patch+json",
    body,
    query: writeQuery(options),
    signal: session.signal,
    onWarning: session.warn,
  });
  return "configured";
}

function writeQuery(options: ApplyOptions): Readonly<Record<string, string | undefined>> {
  return {
    fieldManager: FIELD_MANAGER,
    fieldValidation: "Strict",
    dryRun: options.dryRun === "server" ? "All" : undefined,
  };
}

/** The object with its own text in the annotation, which that text does not contain. */
function withLastApplied(object: JsonObject): JsonObject {
  const metadata = object["metadata"] as JsonObject;
  const { [LAST_APPLIED]: _, ...others } = (metadata["annotations"] ?? {}) as JsonObject;
  const plain = { ...object, metadata: { ...metadata, annotations: others } };
  const annotations = { ...others, [LAST_APPLIED]: `${JSON.stringify(plain)}\n` };
  return { ...object, metadata: { ...metadata, annotations } };
}

function lastAppliedOf(live: JsonObject): JsonObject {
  const { annotations } = live["metadata"] as {
    readonly annotations?: Readonly<Record<string, string>>;
  };
  const text = annotations?.[LAST_APPLIED];
  return text === undefined ? {} : (JSON.parse(text) as JsonObject);
}
