/**
 * A kind may have several faces: group versions that show the same objects. They are stored as one of them, which the others'
 * rows name (`storedAs`), and shown as any.
 */
import type { JsonObject } from "#lib/json";
import { apiVersionOf, type Resource } from "#resources";
import { autoscalerFace } from "./autoscaler-face.ts";
import { eventFace } from "./event-face.ts";
import { encodeForStore, Published } from "./published.ts";
import type {
  Commit,
  CommitResult,
  ListQuery,
  PublishedEvent,
  Reader,
  WatchQuery,
  Writer,
} from "./steps.ts";

/** How a face's objects and field selectors differ from what is stored, besides the apiVersion. */
export interface Face {
  readonly show: (stored: JsonObject) => JsonObject;
  readonly store: (shown: JsonObject) => JsonObject;
  /** A field selector in the words of what is stored. */
  readonly selector?: (text: string) => string;
}

/** By `kind.group/version`. Those that are not here say the same in the same words. */
const FACES: Readonly<Record<string, Face>> = {
  "Event.events.k8s.io/v1": eventFace,
  "HorizontalPodAutoscaler.autoscaling/v1": autoscalerFace,
};
const SAME: Face = { show: (object) => object, store: (object) => object };

export function withFaces(objects: Reader & Writer): Reader & Writer {
  return {
    get: async (resource, namespace, name, resourceVersion) => {
      const { storedAs } = resource;
      if (storedAs === undefined) return objects.get(resource, namespace, name, resourceVersion);
      const found = await objects.get(storedAs, namespace, name, resourceVersion);
      return found && shown(resource, found);
    },
    known: (resource, namespace, name) => {
      const { storedAs } = resource;
      if (storedAs === undefined) return objects.known(resource, namespace, name);
      const found = objects.known(storedAs, namespace, name);
      return found && shown(resource, found);
    },
    list: async (query) => {
      const { resource } = query;
      if (resource.storedAs === undefined) return objects.list(query);
      const found = await objects.list(storedQuery(query));
      return { ...found, items: found.items.map((each) => shown(resource, each)) };
    },
    watch: (query, signal) =>
      query.resource.storedAs === undefined
        ? objects.watch(query, signal)
        : shownEvents(query.resource, objects.watch(storedQuery(query), signal)),
    commit: async (commits) => {
      if (commits.every(({ resource }) => resource.storedAs === undefined))
        return objects.commit(commits);
      return shownResult(commits, await objects.commit(commits.map(storedCommit)));
    },
  };
}

/** An object of one face as another face of its kind shows it; the same when they are no faces of one kind. */
export function inFace(object: JsonObject, from: Resource, to: Resource): JsonObject {
  if ((from.storedAs ?? from) !== (to.storedAs ?? to)) return object;
  return shownObject(to, storedObject(from, object));
}

function faceOf(resource: Resource): Face {
  return FACES[`${resource.kind}.${apiVersionOf(resource)}`] ?? SAME;
}

function storedObject(resource: Resource, object: JsonObject): JsonObject {
  const { storedAs } = resource;
  if (storedAs === undefined) return object;
  return { ...faceOf(resource).store(object), apiVersion: apiVersionOf(storedAs) };
}

function shownObject(resource: Resource, object: JsonObject): JsonObject {
  if (resource.storedAs === undefined) return object;
  return { ...faceOf(resource).show(object), apiVersion: apiVersionOf(resource) };
}

function storedQuery<Query extends ListQuery | WatchQuery>(query: Query): Query {
  const { fieldSelector, resource } = query;
  const { storedAs = resource } = resource;
  const { selector } = faceOf(resource);
  if (fieldSelector === undefined || selector === undefined)
    return { ...query, resource: storedAs };
  return { ...query, resource: storedAs, fieldSelector: selector(fieldSelector) };
}

async function* shownEvents(
  resource: Resource,
  batches: AsyncIterable<readonly PublishedEvent[]>,
): AsyncGenerator<readonly PublishedEvent[]> {
  for await (const batch of batches) {
    yield batch.map((event) =>
      event.type === "BOOKMARK" ? event : { ...event, object: shown(resource, event.object) },
    );
  }
}

function storedCommit(commit: Commit): Commit {
  const { resource } = commit;
  const { storedAs } = resource;
  if (storedAs === undefined) return commit;
  if (commit.kind === "delete") return { ...commit, resource: storedAs };
  return { ...commit, resource: storedAs, object: storedObject(resource, commit.object) };
}

function shownResult(commits: readonly Commit[], result: CommitResult): CommitResult {
  if (!result.ok) return result;
  const published = result.published.map((each, index) => {
    const commit = commits[index];
    // Of a deletion, it is what the caller gave: a face already.
    return commit?.kind === "put" ? shown(commit.resource, each) : each;
  });
  return { ...result, published };
}

function shown(resource: Resource, published: Published): Published {
  if (resource.storedAs === undefined) return published;
  const { key, managedFields, revision } = published;
  const object = shownObject(resource, published.json);
  return new Published(key, revision, encodeForStore(object, managedFields), managedFields);
}
