/** What other API servers keep in a namespace has to go before the namespace does. */
import type { IncomingMessage } from "node:http";
import type { Clock } from "#lib/clock";
import { StatusError } from "#lib/status-error";
import type { Resource } from "#resources";
import type { Extension } from "./extensions.ts";
import { identityHeaders } from "./identity-headers.ts";
import { textOf } from "./look.ts";

/** Who empties namespaces: somebody who may do everything. */
const EMPTYING = identityHeaders({ name: "system:kube-aggregator", groups: ["system:masters"] });
/** The controller asks again. */
const ANSWER_TIMEOUT_MS = 5_000;

/**
 * Asks all of them for the end of what they keep there. Throws Conflict while something is left, and ServiceUnavailable when
 * one cannot be asked: what it keeps would come to light again in a new namespace of the same name.
 */
export async function emptyNamespace(
  extensions: readonly Extension[],
  namespace: string,
  clock: Clock,
): Promise<void> {
  const timeout = new AbortController();
  const cancel = clock.after(ANSWER_TIMEOUT_MS, () => timeout.abort());
  try {
    // Two versions of a kind may be the same objects; then the second finds them gone.
    for (const extension of extensions) await empty(extension, namespace, timeout.signal);
  } finally {
    cancel();
  }
}

async function empty(extension: Extension, namespace: string, signal: AbortSignal): Promise<void> {
  const { group, isAvailable, kinds, name, version } = extension;
  const emptied = kinds.filter(isContent);
  const isKnown = kinds.length > 0;
  if (isKnown && emptied.length === 0) return;
  if (!isAvailable) throw unasked(namespace, `${group}/${version} is not available (${name})`);
  for (const kind of emptied) {
    const path = `/apis/${group}/${version}/namespaces/${namespace}/${kind.plural}`;
    await asked(extension, { method: "DELETE", path, namespace, signal });
    const list = await asked(extension, {
      method: "GET",
      path: `${path}?limit=1`,
      namespace,
      signal,
    });
    const { items } = JSON.parse(await textOf(list)) as { readonly items?: readonly unknown[] };
    if (items !== undefined && items.length > 0)
      throw new StatusError(
        "Conflict",
        `namespace "${namespace}" is not empty: ${kind.plural}.${group} are left`,
      );
  }
}

function isContent({ namespaced, verbs }: Resource): boolean {
  return namespaced && verbs.includes("deletecollection") && verbs.includes("list");
}

async function asked(
  { group, server }: Extension,
  {
    namespace,
    ...request
  }: {
    readonly method: string;
    readonly path: string;
    readonly namespace: string;
    readonly signal: AbortSignal;
  },
): Promise<IncomingMessage> {
  const headers = { ...EMPTYING, accept: "application/json" };
  const answer = await server.send({ ...request, headers }).catch((error: unknown) => {
    throw unasked(namespace, `${group}: ${(error as Error).message}`);
  });
  const { statusCode = 0 } = answer;
  if (statusCode >= 200 && statusCode < 300) {
    if (request.method === "DELETE") answer.resume();
    return answer;
  }
  answer.resume();
  throw unasked(namespace, `${request.method} ${request.path} was answered with ${statusCode}`);
}

function unasked(namespace: string, why: string): StatusError {
  const message = `namespace "${namespace}" has to wait until it is known to be empty: ${why}`;
  return new StatusError("ServiceUnavailable", message);
}
