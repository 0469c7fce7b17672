/**
 * The store in memory, as all reads see it. It follows the store in the order of its revisions, whoever wrote; a write of
 * ours resolves when it has arrived here, so every read after it sees it.
 */

import { parseFieldSelector, parseLabelSelector } from "#lib/api/selector";
import type { Clock } from "#lib/clock";
import { pods, type Resource } from "#resources";
import { keyOf, prefixOf } from "../chain/keys.ts";
import { Published } from "../chain/published.ts";
import { selectionOf } from "../chain/selection.ts";
import type {
  Commit,
  CommitResult,
  ListQuery,
  PublishedEvent,
  PublishedList,
  Reader,
  WatchQuery,
  Writer,
} from "../chain/steps.ts";
import { StoreObjects } from "../chain/store-objects.ts";
import type { ChangeBatch, Store } from "../storage/store.ts";
import { ResourceCache } from "./resource-cache.ts";
import { Watcher } from "./watcher.ts";

const ROOT = "/registry/";
/** Kubernetes sends bookmarks about once a minute. */
const BOOKMARK_MS = 60_000;

export class CachedObjects implements Reader, Writer {
  readonly #store: Store;
  readonly #clock: Clock;
  /** Writes, and reads of the past. */
  readonly #direct: StoreObjects;
  /** By the prefix of their keys. */
  readonly #caches = new Map<string, ResourceCache>();
  /** Objects that our own writes made, by revision, until their change arrives. */
  readonly #made = new Map<number, readonly Published[]>();
  readonly #waiting: { readonly revision: number; readonly resolve: () => void }[] = [];
  readonly #stop = new AbortController();
  #revision: number;
  #cancelBookmarks: (() => void) | undefined;

  private constructor(store: Store, clock: Clock, revision: number) {
    this.#store = store;
    this.#clock = clock;
    this.#direct = new StoreObjects(store);
    this.#revision = revision;
  }

  /** Resolves when everything that is stored is in memory. */
  static async open(store: Store, clock: Clock): Promise<CachedObjects> {
    const { entries, revision } = await store.range(ROOT);
    const objects = new CachedObjects(store, clock, revision);
    for (const entry of entries) {
      const { key, modRevision, value } = entry;
      objects.#cacheOf(key).objects.set(new Published(key, modRevision, value));
    }
    void objects.#follow();
    return objects;
  }

  close(): void {
    this.#stop.abort();
    this.#cancelBookmarks?.();
  }

  async get(
    resource: Resource,
    namespace: string | undefined,
    name: string,
  ): Promise<Published | undefined> {
    await this.#fresh();
    const key = keyOf(resource, namespace, name);
    return this.#cacheOf(key).objects.get(key);
  }

  async list(query: ListQuery): Promise<PublishedList> {
    // The past, and the rest of a list that began in it, are the store's.
    if (query.continue !== undefined || query.resourceVersionMatch === "Exact")
      return this.#direct.list(query);
    await this.#fresh();
    const limit = query.limit ?? 0;
    if (limit > 0) {
      const all = this.#select(query);
      if (all.length <= limit) return { items: all, revision: this.#revision };
      return this.#firstPage(query, all, limit);
    }
    return { items: this.#select(query), revision: this.#revision };
  }

  async *watch(query: WatchQuery, signal: AbortSignal): AsyncIterable<readonly PublishedEvent[]> {
    const prefix = prefixOf(query.resource, query.namespace);
    const cache = this.#cacheOf(prefix);
    const watcher = new Watcher(prefix, selectionOf(query), query.allowBookmarks ?? false);
    const from = Number(query.resourceVersion ?? 0);
    if (from > this.#revision) await this.#arrived(from);
    const needsAll = from === 0 || query.sendInitialEvents === true;
    if (needsAll) await this.#fresh();
    cache.follow(watcher, needsAll ? this.#revision : from);
    const stop = (): void => watcher.end("quietly");
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    this.#setBookmarks();
    try {
      if (needsAll) yield this.#initial(query);
      yield* watcher.batches();
    } finally {
      signal.removeEventListener("abort", stop);
      cache.unfollow(watcher);
    }
  }

  async commit(commits: readonly Commit[]): Promise<CommitResult> {
    const result = await this.#direct.commit(commits);
    if (!result.ok) return result;
    if (result.revision > this.#revision) {
      this.#made.set(result.revision, result.published);
      await this.#arrived(result.revision);
      this.#made.delete(result.revision);
    }
    return result;
  }

  #initial(query: WatchQuery): readonly PublishedEvent[] {
    const events: PublishedEvent[] = this.#select(query).map((object) => ({
      type: "ADDED",
      object,
    }));
    if (query.sendInitialEvents === true) {
      events.push({ type: "BOOKMARK", revision: this.#revision, initialEventsEnd: true });
    }
    return events;
  }

  #select(
    query: Pick<ListQuery, "fieldSelector" | "labelSelector" | "namespace" | "resource">,
  ): readonly Published[] {
    const prefix = prefixOf(query.resource, query.namespace);
    const { objects } = this.#cacheOf(prefix);
    const wanted = selectionOf(query);
    const indexed = this.#byIndex(query);
    if (indexed === undefined && wanted === undefined) return [...objects.range(prefix)];
    const candidates = indexed ?? objects.range(prefix);
    const selected: Published[] = [];
    for (const each of candidates) {
      if (each.key.startsWith(prefix) && (wanted === undefined || wanted(each.object)))
        selected.push(each);
    }
    return selected;
  }

  /** The objects that an index finds for one of the requirements; the others are checked on those few. */
  #byIndex(
    query: Pick<ListQuery, "fieldSelector" | "labelSelector" | "resource">,
  ): readonly Published[] | undefined {
    const { objects } = this.#cacheOf(prefixOf(query.resource));
    for (const each of parseFieldSelector(query.fieldSelector ?? "")) {
      const isNode = query.resource === pods && each.field === "spec.nodeName";
      if (isNode && each.operator === "=" && each.value !== "") return objects.byNode(each.value);
    }
    for (const each of parseLabelSelector(query.labelSelector ?? "")) {
      const [value] = each.operator === "In" && each.values.length === 1 ? each.values : [];
      if (value !== undefined) return objects.byLabel(each.key, value);
    }
    return undefined;
  }

  #firstPage(query: ListQuery, all: readonly Published[], limit: number): PublishedList {
    const items = all.slice(0, limit);
    const isPlain = (query.labelSelector ?? "") === "" && (query.fieldSelector ?? "") === "";
    return {
      items,
      revision: this.#revision,
      continue: StoreObjects.continueAfter(this.#revision, items.at(-1)?.key ?? ""),
      ...(isPlain ? { remainingItemCount: all.length - limit } : {}),
    };
  }

  async #follow(): Promise<void> {
    try {
      for await (const batch of this.#store.watch(ROOT, this.#revision, this.#stop.signal))
        this.#apply(batch);
    } catch (error) {
      // Without its store's changes the cache would answer with the past for ever.
      for (const { resolve } of this.#waiting) resolve();
      throw error;
    } finally {
      // The store was closed: nothing more will come.
      this.close();
    }
  }

  #apply({ changes, revision }: ChangeBatch): void {
    for (const change of changes) {
      const key = change.kind === "put" ? change.entry.key : change.key;
      const at = change.kind === "put" ? change.entry.modRevision : change.revision;
      const known = this.#made.get(at)?.find((each) => each.key === key && each.revision === at);
      this.#cacheOf(key).apply(change, known);
    }
    this.#revision = revision;
    while ((this.#waiting[0]?.revision ?? Number.POSITIVE_INFINITY) <= revision)
      this.#waiting.shift()?.resolve();
  }

  /** Every write that anybody had acknowledged before this call is here when it resolves. */
  async #fresh(): Promise<void> {
    if (this.#store.isShared !== true) return;
    await this.#arrived(await this.#store.revision());
  }

  #arrived(revision: number): Promise<void> {
    if (revision <= this.#revision) return Promise.resolve();
    return new Promise((resolve) => {
      const at = this.#waiting.findIndex((each) => each.revision > revision);
      this.#waiting.splice(at === -1 ? this.#waiting.length : at, 0, { revision, resolve });
    });
  }

  #cacheOf(key: string): ResourceCache {
    // `/registry/GROUP/PLURAL/…`
    const prefix = key.split("/", 4).join("/");
    let cache = this.#caches.get(prefix);
    if (cache === undefined) {
      cache = new ResourceCache(this.#revision);
      this.#caches.set(prefix, cache);
    }
    return cache;
  }

  /** The timer runs only while somebody watches. */
  #setBookmarks(): void {
    this.#cancelBookmarks ??= this.#clock.after(BOOKMARK_MS, () => {
      this.#cancelBookmarks = undefined;
      const watched = [...this.#caches.values()].filter((cache) => cache.watched);
      for (const cache of watched) cache.bookmark(this.#revision);
      if (watched.length > 0) this.#setBookmarks();
    });
  }
}
