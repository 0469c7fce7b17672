import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { Resource } from "#resources";
import { pathOf } from "../connection/path.ts";
import { watch } from "../connection/watch.ts";
import { readManifests } from "../manifest/read.ts";
import type { Session } from "../session.ts";
import { UserError } from "../terminal.ts";
import { targetsOf } from "./write.ts";

export interface DeleteOptions {
  readonly filename?: readonly string[];
  readonly selector?: string;
  readonly all?: boolean;
  readonly gracePeriod?: number;
  readonly force?: boolean;
  readonly now?: boolean;
  readonly cascade?: "background" | "foreground" | "orphan";
  readonly ignoreNotFound?: boolean;
  readonly wait?: boolean;
}

interface Doomed {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string;
}

/** Asks for the end of objects, and waits until they are gone unless told not to. */
export async function deleteObjects(
  session: Session,
  words: readonly string[],
  options: DeleteOptions,
): Promise<void> {
  const doomed = await chosen(session, words, options);
  const gone: { readonly object: Doomed; readonly uid: string }[] = [];
  for (const object of doomed) {
    const uid = await deleteOne(session, object, options);
    if (uid !== undefined) gone.push({ object, uid });
  }
  if (options.wait === false) return;
  for (const { object, uid } of gone) await untilGone(session, object, uid);
}

async function chosen(
  session: Session,
  words: readonly string[],
  options: DeleteOptions,
): Promise<readonly Doomed[]> {
  if (options.filename !== undefined && options.filename.length > 0) {
    const manifests = await readManifests(session.terminal, options.filename, { recursive: false });
    return await targetsOf(session, manifests);
  }
  const wanted = await session.objectArguments(words);
  const found: Doomed[] = [];
  for (const { resource, name } of wanted) {
    const namespace = resource.namespaced && !session.allNamespaces ? session.namespace : undefined;
    if (name !== undefined) found.push({ resource, namespace, name });
    else found.push(...(await collection(session, resource, namespace, options)));
  }
  return found;
}

async function collection(
  session: Session,
  resource: Resource,
  namespace: string | undefined,
  options: DeleteOptions,
): Promise<readonly Doomed[]> {
  if (options.selector === undefined && options.all !== true) {
    throw new UserError(
      `name the ${resource.plural} to delete, or choose them with -l, or say --all`,
    );
  }
  const path = pathOf({ resource, namespace });
  const query = { labelSelector: options.selector };
  const { items } = await session.connection.json<{
    items: readonly { readonly metadata: { readonly name: string; readonly namespace?: string } }[];
  }>(path, { query });
  return items.map(({ metadata }) => ({
    resource,
    namespace: metadata.namespace,
    name: metadata.name,
  }));
}

/** The uid of what is going; undefined when there was nothing. */
async function deleteOne(
  session: Session,
  object: Doomed,
  options: DeleteOptions,
): Promise<string | undefined> {
  const { resource, name } = object;
  const what = `${resource.singular}${resource.group === "" ? "" : `.${resource.group}`} "${name}"`;
  try {
    const answer = await session.connection.json<JsonObject>(pathOf(object), {
      method: "DELETE",
      body: bodyOf(options),
    });
    session.terminal.out(`${what} ${options.force === true ? "force deleted" : "deleted"}\n`);
    return uidOf(answer);
  } catch (error) {
    if (options.ignoreNotFound === true && StatusError.is(error, "NotFound")) return undefined;
    throw error;
  }
}

function bodyOf(options: DeleteOptions): JsonObject {
  const policies = {
    background: "Background",
    foreground: "Foreground",
    orphan: "Orphan",
  } as const;
  const grace = options.force === true ? 0 : options.now === true ? 1 : options.gracePeriod;
  return {
    propagationPolicy: policies[options.cascade ?? "background"],
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
  };
}

/** Of the object that is still there, or of the Status that says it was. */
function uidOf(answer: JsonObject): string | undefined {
  const holder = (answer["kind"] === "Status" ? answer["details"] : answer["metadata"]) as
    | { readonly uid?: string }
    | undefined;
  return holder?.uid;
}

async function untilGone(session: Session, object: Doomed, uid: string): Promise<void> {
  const { resource, namespace, name } = object;
  const current = await session.connection
    .json<{ metadata: { uid: string; resourceVersion: string } }>(pathOf(object))
    .catch((error: unknown) => {
      if (StatusError.is(error, "NotFound")) return undefined;
      throw error;
    });
  if (current === undefined || current.metadata.uid !== uid) return;
  const query = {
    fieldSelector: `metadata.name=${name}`,
    resourceVersion: current.metadata.resourceVersion,
  };
  const path = pathOf({ resource, namespace });
  for await (const event of watch(session.connection, path, { query, signal: session.signal })) {
    if (event.type === "DELETED" && uidOf(event.object) === uid) return;
  }
}
