/** How a controller makes pods: a few at first, each once though an answer may be lost, and known as its own before they show. */
import type { Client, EventRecorder, PendingWrites } from "#client";
import { nameSuffix, type Random } from "#lib/random";
import { StatusError } from "#lib/status-error";
import type { ApiObject, Draft } from "#proto";
import type { Pod } from "#proto/core/v1";
import { pods } from "#resources";
import { slowStart } from "./slow-start.ts";

export interface CreatePodsDeps {
  readonly client: Client;
  readonly pending: PendingWrites;
  readonly recorder: EventRecorder;
  readonly random: Random;
}

export interface PodsToCreate {
  readonly key: string;
  readonly owner: ApiObject;
  readonly count: number;
  /** Of the n-th; with generateName, and with the owner as its controller. */
  draft(at: number): Draft<Pod>;
}

/** After so many the key is tried again later, with the rest of its work. */
const TRIES_MAX = 4;
/** Kubernetes cuts the base, so that base and suffix fit in a label. */
const NAME_BASE_LENGTH_MAX = 58;

/** Gives the first failure, of which an event tells already; undefined when all are there. */
export async function createPods(deps: CreatePodsDeps, wanted: PodsToCreate): Promise<unknown> {
  const { pending, recorder } = deps;
  const { count, key, owner } = wanted;
  if (count === 0) return undefined;
  pending.expectCreations(key, count);
  const { error, succeeded } = await slowStart(count, async (at) => {
    const name = await createOnce(deps, owner.metadata.uid, wanted.draft(at));
    const message = `Created pod: ${name}`;
    recorder.record(owner, { type: "Normal", reason: "SuccessfulCreate", message });
  });
  // What failed will never be seen.
  for (let i = succeeded; i < count; i++) pending.creationSeen(key);
  if (error === undefined || isNamespaceGoing(error)) return undefined;
  const why = error instanceof Error ? error.message : String(error);
  const message = `Error creating: ${why}`;
  recorder.record(owner, { type: "Warning", reason: "FailedCreate", message });
  return error;
}

/** The name is chosen here, so that a try whose answer was lost can be repeated without making a second pod. */
async function createOnce(
  { client, random }: CreatePodsDeps,
  ownerUid: string,
  draft: Draft<Pod>,
): Promise<string> {
  const { generateName = "", namespace = "" } = draft.metadata ?? {};
  const chosen = (): string => generateName.slice(0, NAME_BASE_LENGTH_MAX) + nameSuffix(random);
  let name = chosen();
  for (let attempt = 1; ; attempt++) {
    const error = await refusalOf(client, { ...draft, metadata: { ...draft.metadata, name } });
    if (error === undefined) return name;
    const isTaken = StatusError.is(error, "AlreadyExists");
    if (isTaken && attempt > 1 && (await isOwnedBy(client, { namespace, name }, ownerUid)))
      return name;
    if (attempt === TRIES_MAX || !(isTaken || isUnsure(error))) throw error;
    if (isTaken) name = chosen();
  }
}

async function refusalOf(client: Client, pod: Draft<Pod>): Promise<unknown> {
  try {
    await client.create(pods, pod);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** It may have been done all the same. */
function isUnsure(error: unknown): boolean {
  return (
    !(error instanceof StatusError) ||
    error.reason === "ServiceUnavailable" ||
    error.reason === "Timeout"
  );
}

async function isOwnedBy(
  client: Client,
  key: { readonly namespace: string; readonly name: string },
  uid: string,
): Promise<boolean> {
  const { metadata } = await client.get(pods, key);
  return metadata.ownerReferences?.some((owner) => owner.uid === uid) === true;
}

/** Everything in it will be gone soon, the owner too. */
function isNamespaceGoing(error: unknown): boolean {
  return (
    error instanceof StatusError &&
    error.details?.causes?.some((each) => each.reason === "NamespaceTerminating") === true
  );
}
