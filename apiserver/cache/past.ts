import { prefixOf } from "../chain/keys.ts";
import { Published } from "../chain/published.ts";
import { selectionOf } from "../chain/selection.ts";
import type { ListQuery, PublishedList } from "../chain/steps.ts";
import {
  type Continue,
  expired,
  expiredPage,
  notOurs,
  StoreObjects,
} from "../chain/store-objects.ts";
import {
  CompactedError,
  FutureRevisionError,
  type RangeOptions,
  type Store,
} from "../storage/store.ts";

/** Selections read more than they return; a step of this many bounds what is held at once. */
const STEP_ENTRIES_MAX = 500;

/** A list of what was, read from the store: only it has the past. */
export async function listPast(
  store: Store,
  query: ListQuery,
  from: Continue,
): Promise<PublishedList> {
  const past = pastOf(store, query, from);
  const wanted = selectionOf(query);
  const limit = query.limit ?? 0;
  const items: Published[] = [];
  let startKey = from.key;
  for (;;) {
    const { entries, more } = await rangePast(past, {
      revision: from.revision,
      startKey,
      ...(limit > 0 ? { limit: Math.max(limit + 1 - items.length, STEP_ENTRIES_MAX) } : {}),
    });
    for (const { key, modRevision, value } of entries) {
      const object = new Published(key, modRevision, value);
      if (wanted === undefined || wanted(object.object)) items.push(object);
    }
    if (!more || (limit > 0 && items.length > limit)) break;
    startKey = `${entries.at(-1)?.key ?? ""}\0`;
  }
  return pageOf(items, from.revision, limit);
}

/** The first `limit` of the items, and where to go on. */
export function pageOf(
  items: readonly Published[],
  revision: number,
  limit: number,
): PublishedList {
  if (limit === 0 || items.length <= limit) return { items, revision };
  const page = items.slice(0, limit);
  const next = StoreObjects.continueAfter(revision, page.at(-1)?.key ?? "");
  return { items: page, revision, continue: next };
}

interface Past {
  readonly store: Store;
  readonly prefix: string;
  /** Where the page begins, of a list that has begun, and may go on in the present. */
  readonly page: string | undefined;
}

function pastOf(store: Store, query: ListQuery, from: Continue): Past {
  const prefix = prefixOf(query.resource, query.namespace);
  return { store, prefix, page: query.continue === undefined ? undefined : from.key };
}

async function rangePast({ page, prefix, store }: Past, options: RangeOptions) {
  try {
    return await store.range(prefix, options);
  } catch (error) {
    if (error instanceof CompactedError) {
      throw page === undefined ? expired() : expiredPage(page);
    }
    // No list was ever begun there.
    if (error instanceof FutureRevisionError && page !== undefined) throw notOurs();
    throw error;
  }
}
