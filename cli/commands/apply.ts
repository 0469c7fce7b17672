import { isConditionTrue } from "#lib/api/condition";
import { sleep } from "#lib/clock";
import type { JsonObject } from "#lib/json";
import { patchSchemaOf } from "#lib/patch/kind-schema";
import { threeWayPatch } from "#lib/patch/three-way";
import { StatusError } from "#lib/status-error";
import type { CustomResourceDefinition } from "#proto/apiextensions/v1";
import { pathOf } from "../connection/path.ts";
import { readManifests } from "../manifest/read.ts";
import { qualifiedName } from "../print/output.ts";
import type { Session } from "../session.ts";
import { bodyOf, explainRefusal, type Target, targetsOf } from "./write.ts";

export interface ApplyOptions {
  readonly filename: readonly string[];
  readonly recursive?: boolean;
  readonly dryRun?: "none" | "server";
}

/** kubectl's annotation, so that both tools can be used on the same object. */
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";
const FIELD_MANAGER = "naru-apply";
const DEFINITION = "CustomResourceDefinition";
const ESTABLISHED_WITHIN_MS = 10_000;
const ESTABLISHED_POLL_MS = 50;
/** Another writer may change the object between our read and our patch. */
const TRIES = 5;

/** Makes the cluster's objects what the files say, leaving alone what the files never said. */
export async function apply(session: Session, options: ApplyOptions): Promise<void> {
  const recursive = options.recursive ?? false;
  const manifests = await readManifests(session.terminal, options.filename, { recursive });
  // All are resolved before the first is sent, so that a mistake in the last leaves nothing half done.
  const targets = await targetsOf(session, manifests);
  for (const target of targets) {
    const outcome = await applyOne(session, target, options).catch((error: unknown) => {
      throw explainRefusal(target, error);
    });
    const dry = options.dryRun === "server" ? " (server dry run)" : "";
    session.terminal.out(`${qualifiedName(target.manifest.object)} ${outcome}${dry}\n`);
    if (target.manifest.kind === DEFINITION && dry === "") await established(session, target);
  }
}

/** Until a definition is established its objects, which may come next, have no place to go to. */
async function established(session: Session, target: Target): Promise<void> {
  const deadlineMs = session.clock.monotonicMs() + ESTABLISHED_WITHIN_MS;
  while (session.clock.monotonicMs() < deadlineMs) {
    const { status } = await session.connection.json<CustomResourceDefinition>(pathOf(target));
    if (isConditionTrue(status?.conditions, "Established")) return;
    await sleep(session.clock, ESTABLISHED_POLL_MS, session.signal);
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
  const schema = patchSchemaOf(target.manifest.apiVersion, target.manifest.kind);
  const body = threeWayPatch({ original: lastAppliedOf(live), modified, current: live, schema });
  if (Object.keys(body).length === 0) return "unchanged";
  await session.connection.json(pathOf(target), {
    method: "PATCH",
    // How lists of custom kinds merge is known to nobody but their definition: they are replaced.
    contentType: `application/${schema === undefined ? "" : "strategic-"}merge-patch+json`,
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
