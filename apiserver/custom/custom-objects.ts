/** Reads and writes custom objects in whichever version is asked for; one version of them is stored. */
import { StatusError } from "#lib/status-error";
import { type CustomKind, customKindOf, ENDING } from "../chain/custom-kind.ts";
import type { Published } from "../chain/published.ts";
import type {
  Commit,
  CommitResult,
  PublishedEvent,
  PublishedList,
  Reader,
  WatchQuery,
  Writer,
} from "../chain/steps.ts";

export function withCustomKinds(objects: Reader & Writer): Reader & Writer {
  return {
    get: (resource, namespace, name, resourceVersion) => {
      const kind = customKindOf(resource);
      const found = objects.get(resource, namespace, name, resourceVersion);
      return kind === undefined ? found : shownOne(kind, found);
    },
    // Showing an object may take a webhook; those who want it at once want built-in kinds.
    known: (resource, namespace, name) =>
      customKindOf(resource) === undefined ? objects.known(resource, namespace, name) : undefined,
    list: (query) => {
      const kind = customKindOf(query.resource);
      const found = objects.list(query);
      return kind === undefined ? found : shownList(kind, found);
    },
    watch: (query, signal) =>
      customKindOf(query.resource) === undefined
        ? objects.watch(query, signal)
        : shownEvents(objects, query, signal),
    commit: (commits) =>
      commits.every(({ resource }) => customKindOf(resource) === undefined)
        ? objects.commit(commits)
        : commitCustom(objects, commits),
  };
}

async function shownOne(
  kind: CustomKind,
  found: Promise<Published | undefined>,
): Promise<Published | undefined> {
  const published = await found;
  return published && (await kind.show([published]))[0];
}

async function shownList(kind: CustomKind, found: Promise<PublishedList>): Promise<PublishedList> {
  const list = await found;
  return { ...list, items: await kind.show(list.items) };
}

async function commitCustom(objects: Writer, commits: readonly Commit[]): Promise<CommitResult> {
  const converted = await Promise.all(commits.map(stored));
  // The request began before the definition's end; an object made now nobody would take away.
  if (commits.some(isTooLate))
    throw new StatusError("NotFound", "the server could not find the requested resource");
  return shownResult(commits, await objects.commit(converted));
}

/** Events that were made anew, so that all watchers of a version share one and its encoding. */
const made = new WeakMap<Published, PublishedEvent>();

async function* shownEvents(
  objects: Reader,
  query: WatchQuery,
  signal: AbortSignal,
): AsyncGenerator<readonly PublishedEvent[]> {
  const kind = customKindOf(query.resource);
  if (kind === undefined) return;
  const either = AbortSignal.any([signal, kind.ended]);
  for await (const batch of objects.watch(query, either)) {
    const before = batch.flatMap((event) => (event.type === "BOOKMARK" ? [] : [event.object]));
    const shown = await kind.show(before);
    let at = 0;
    yield batch.map((event) => {
      if (event.type === "BOOKMARK") return event;
      const object = shown[at++] ?? event.object;
      return object === event.object ? event : eventWith(event, object);
    });
  }
}

function eventWith(
  event: Exclude<PublishedEvent, { type: "BOOKMARK" }>,
  object: Published,
): PublishedEvent {
  const known = made.get(object);
  if (known?.type === event.type) return known;
  const fresh = { ...event, object };
  made.set(object, fresh);
  return fresh;
}

function isTooLate(commit: Commit): boolean {
  if (commit.kind === "delete" || commit.ifRevision !== 0) return false;
  return customKindOf(commit.resource)?.ended.reason === ENDING;
}

async function stored(commit: Commit): Promise<Commit> {
  const kind = customKindOf(commit.resource);
  if (kind === undefined || commit.kind === "delete") return commit;
  const [object = commit.object] = await kind.toStorage([commit.object]);
  return { ...commit, object };
}

async function shownResult(
  commits: readonly Commit[],
  result: CommitResult,
): Promise<CommitResult> {
  if (!result.ok) return result;
  const published = await Promise.all(
    result.published.map(async (each, at) => {
      const commit = commits[at];
      const kind = commit?.kind === "put" ? customKindOf(commit.resource) : undefined;
      return (await kind?.show([each]))?.[0] ?? each;
    }),
  );
  return { ...result, published };
}
