/** Events have two faces, `v1` and `events.k8s.io/v1`, of one object: it is kept as the first, and shown as either. */
import type { JsonObject, JsonValue } from "#lib/json";
import { apiVersionOf, events, eventsV1, type Resource } from "#resources";
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

/** The old face's name of each field that has two. */
const OLD_NAMES: Readonly<Record<string, string>> = {
  regarding: "involvedObject",
  note: "message",
  reportingController: "reportingComponent",
  deprecatedSource: "source",
  deprecatedFirstTimestamp: "firstTimestamp",
  deprecatedLastTimestamp: "lastTimestamp",
  deprecatedCount: "count",
};
const NEW_NAMES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(OLD_NAMES).map(([now, before]) => [before, now]),
);

export function withEventFaces(objects: Reader & Writer): Reader & Writer {
  return {
    get: async (resource, namespace, name) => {
      if (!isNewFace(resource)) return objects.get(resource, namespace, name);
      const found = await objects.get(events, namespace, name);
      return found && newFace(found);
    },
    known: (resource, namespace, name) =>
      isNewFace(resource) ? undefined : objects.known(resource, namespace, name),
    list: async (query) => {
      if (!isNewFace(query.resource)) return objects.list(query);
      const found = await objects.list(oldQuery(query));
      return { ...found, items: found.items.map(newFace) };
    },
    watch: (query, signal) =>
      isNewFace(query.resource)
        ? newFaces(objects.watch(oldQuery(query), signal))
        : objects.watch(query, signal),
    commit: async (commits) => {
      if (!commits.some((commit) => isNewFace(commit.resource))) return objects.commit(commits);
      return newResult(commits, await objects.commit(commits.map(oldCommit)));
    },
  };
}

/** An event as one of its groups shows it. */
export function eventIn(resource: Resource, event: JsonObject): JsonObject {
  const names = isNewFace(resource) ? NEW_NAMES : OLD_NAMES;
  return { ...renamed(event, names), apiVersion: apiVersionOf(resource) };
}

function isNewFace(resource: Resource): boolean {
  return resource.plural === eventsV1.plural && resource.group === eventsV1.group;
}

function oldQuery<Query extends ListQuery | WatchQuery>(query: Query): Query {
  const { fieldSelector } = query;
  if (fieldSelector === undefined) return { ...query, resource: events };
  const renamed = fieldSelector
    .replaceAll(/\bregarding\./g, "involvedObject.")
    .replaceAll(/\breportingController\b/g, "reportingComponent");
  return { ...query, resource: events, fieldSelector: renamed };
}

async function* newFaces(
  batches: AsyncIterable<readonly PublishedEvent[]>,
): AsyncGenerator<readonly PublishedEvent[]> {
  for await (const batch of batches) {
    yield batch.map((event) =>
      event.type === "BOOKMARK" ? event : { ...event, object: newFace(event.object) },
    );
  }
}

function oldCommit(commit: Commit): Commit {
  if (!isNewFace(commit.resource)) return commit;
  if (commit.kind === "delete") return { ...commit, resource: events };
  return { ...commit, resource: events, object: eventIn(events, commit.object) };
}

function newResult(commits: readonly Commit[], result: CommitResult): CommitResult {
  if (!result.ok) return result;
  const published = result.published.map((each, index) => {
    const commit = commits[index];
    const isOld = commit === undefined || !isNewFace(commit.resource);
    return isOld || each.object.apiVersion !== "v1" ? each : newFace(each);
  });
  return { ...result, published };
}

function newFace(published: Published): Published {
  const { managedFields } = published;
  const object = eventIn(eventsV1, published.json);
  return new Published(
    published.key,
    published.revision,
    encodeForStore(object, managedFields),
    managedFields,
  );
}

function renamed(object: JsonObject, names: Readonly<Record<string, string>>): JsonObject {
  const entries = Object.entries(object).map(([name, value]): [string, JsonValue] => [
    names[name] ?? name,
    value,
  ]);
  return Object.fromEntries(entries);
}
