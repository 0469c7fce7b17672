/**
 * The store in memory, as all reads see it. It follows the store in the order of its revisions, whoever wrote; a write of
 * ours resolves when it has arrived here, so every read after it sees it.
 */
import { type Clock, sleep } from "#lib/clock";
import { ConfigError } from "#lib/config-document";
import { type Logger, silentLogger } from "#lib/logger";
import { StatusError } from "#lib/status-error";
import type { Resource } from "#resources";
import { keyOf, prefixOf } from "../chain/keys.ts";
import { Published } from "../chain/published.ts";
import { parseRevision } from "../chain/revision.ts";
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
import { type Continue, NOW, parseContinue, StoreObjects } from "../chain/store-objects.ts";
import type { ChangeBatch, Entry, Store } from "../storage/store.ts";
import { Arrivals } from "./arrivals.ts";
import { interestOf, type Selectors } from "./interest.ts";
import { listPast, pageOf } from "./past.ts";
import { ResourceCache } from "./resource-cache.ts";
import { Watcher } from "./watcher.ts";

const ROOT = "/registry/";
/** Every object begins with it. */
const BRACE = "{".charCodeAt(0);
/** Kubernetes sends bookmarks about once a minute. */
export const BOOKMARK_MS = 60_000;
/** Of the events that a watch begins with: so many are encoded and written at once. */
const STEP_EVENTS = 256;
/** Between tries to read a store that does not answer. */
const RELOAD_MS = 1_000;

export class CachedObjects implements Reader, Writer {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #direct: StoreObjects;
  /** By `/registry/GROUP/PLURAL`. */
  #caches = new Map<string, ResourceCache>();
  /** Objects that our own writes made, by revision, until their change arrives. */
  readonly #made = new Map<number, readonly Published[]>();
  readonly #stop = new AbortController();
  readonly #arrivals: Arrivals;
  /** What a cache that is made now does not know. */
  #loadedRevision: number;
  #cancelBookmarks: (() => void) | undefined;
  #isFollowing = true;

  private constructor(options: {
    readonly store: Store;
    readonly clock: Clock;
    readonly logger: Logger;
    readonly revision: number;
  }) {
    const { store, clock, logger, revision } = options;
    this.#store = store;
    this.#clock = clock;
    this.#logger = logger;
    this.#direct = new StoreObjects(store);
    this.#arrivals = new Arrivals(clock, revision);
    this.#loadedRevision = revision;
  }

  /** Resolves when everything that is stored is in memory. */
  static async open(
    store: Store,
    clock: Clock,
    logger: Logger = silentLogger,
  ): Promise<CachedObjects> {
    const { entries, revision } = await store.range(ROOT);
    const objects = new CachedObjects({ store, clock, logger, revision });
    objects.#load(entries, revision);
    void objects.#follow();
    return objects;
  }

  /** Of every resource that there is or was an object of. */
  *counts(): Generator<{
    readonly group: string;
    readonly plural: string;
    readonly count: number;
  }> {
    for (const [prefix, { objects }] of this.#caches) {
      const [group = "", plural = ""] = prefix.slice(ROOT.length).split("/");
      yield { group: group === "core" ? "" : group, plural, count: objects.size };
    }
  }

  /** False while the store's changes do not come, so that reads may be old. */
  get isFollowing(): boolean {
    return this.#isFollowing;
  }

  close(): void {
    this.#isFollowing = false;
    this.#stop.abort();
    this.#cancelBookmarks?.();
    for (const cache of this.#caches.values()) cache.endWatchers("quietly");
    this.#arrivals.close();
  }

  async get(
    resource: Resource,
    namespace: string | undefined,
    name: string,
    resourceVersion?: string,
  ): Promise<Published | undefined> {
    await this.#asNewAs(resourceVersion);
    const key = keyOf(resource, namespace, name);
    return this.#cacheOf(key).objects.get(key);
  }

  known(resource: Resource, namespace: string | undefined, name: string): Published | undefined {
    const key = keyOf(resource, namespace, name);
    return this.#cacheOf(key).objects.get(key);
  }

  /** How many objects of the kind have arrived here. */
  countOf(resource: Resource): number {
    return this.#cacheOf(prefixOf(resource)).objects.size;
  }

  async list(query: ListQuery): Promise<PublishedList> {
    if (query.continue !== undefined) {
      const prefix = prefixOf(query.resource, query.namespace);
      return this.#goOn(query, parseContinue(query.continue, prefix));
    }
    if (isExact(query)) return this.#exactly(query, parseRevision(query.resourceVersion));
    await this.#asNewAs(query.resourceVersion);
    const limit = query.limit ?? 0;
    const all = this.#select(query);
    const page = pageOf(all, this.#arrivals.revision, limit);
    if (page.continue === undefined || isNarrowed(query)) return page;
    return { ...page, remainingItemCount: all.length - limit };
  }

  async *watch(query: WatchQuery, signal: AbortSignal): AsyncIterable<readonly PublishedEvent[]> {
    const prefix = prefixOf(query.resource, query.namespace);
    // First: it refuses what is wrong in the client's words.
    const wanted = selectionOf(query);
    const watcher = new Watcher({
      prefix,
      interest: interestOf(query),
      wanted,
      wantsBookmarks: query.allowBookmarks ?? false,
      gathers: query.gathers ?? false,
    });
    const from = parseRevision(query.resourceVersion);
    const needsAll = from === 0 || query.sendInitialEvents === true;
    if (needsAll) await this.#fresh();
    await this.#arrivals.waitForClient(from);
    const cache = this.#cacheOf(prefix);
    const initial = needsAll ? this.#initial(query) : undefined;
    cache.follow(watcher, needsAll ? this.#arrivals.revision : from);
    const stop = (): void => watcher.end("quietly");
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted || this.#stop.signal.aborted) stop();
    this.#setBookmarks();
    try {
      for (const step of inSteps(initial)) yield step;
      query.started?.();
      for (let batch = await watcher.next(); batch !== undefined; batch = await watcher.next())
        yield batch;
    } finally {
      signal.removeEventListener("abort", stop);
      cache.unfollow(watcher);
    }
  }

  async commit(commits: readonly Commit[]): Promise<CommitResult> {
    const result = await this.#direct.commit(commits);
    if (!result.ok || result.revision <= this.#arrivals.revision) return result;
    this.#made.set(result.revision, result.published);
    await this.#arrivals.wait(result.revision);
    this.#made.delete(result.revision);
    return result;
  }

  #initial(query: WatchQuery): readonly PublishedEvent[] {
    const events: PublishedEvent[] = this.#select(query).map((object) => ({
      type: "ADDED",
      object,
    }));
    if (query.sendInitialEvents === true) {
      const { revision } = this.#arrivals;
      events.push({ type: "BOOKMARK", revision, initialEventsEnd: true });
    }
    return events;
  }

  #select(query: Selectors, startKey = ""): readonly Published[] {
    const prefix = prefixOf(query.resource, query.namespace);
    const { objects } = this.#cacheOf(prefix);
    const wanted = selectionOf(query);
    if (wanted === undefined) return objects.range(prefix, startKey === "" ? prefix : startKey);
    const candidates = objects.find(interestOf(query), prefix);
    return candidates.filter(
      (each) => each.key.startsWith(prefix) && each.key >= startKey && wanted(each.object),
    );
  }

  async #goOn(query: ListQuery, from: Continue): Promise<PublishedList> {
    if (from.revision !== NOW) return this.#nextPage(query, from);
    await this.#fresh();
    return this.#nextPage(query, { ...from, revision: this.#arrivals.revision });
  }

  /** From memory when the resource has not changed since the list began. */
  #nextPage(query: ListQuery, from: Continue): PublishedList | Promise<PublishedList> {
    const { changedRevision } = this.#cacheOf(prefixOf(query.resource));
    const isNow = changedRevision <= from.revision && from.revision <= this.#arrivals.revision;
    if (!isNow) return listPast(this.#store, query, from);
    const limit = query.limit ?? 0;
    const all = this.#select(query, from.key);
    const page = pageOf(all, from.revision, limit);
    if (page.continue === undefined || isNarrowed(query)) return page;
    return { ...page, remainingItemCount: all.length - limit };
  }

  async #exactly(query: ListQuery, revision: number): Promise<PublishedList> {
    if (revision === 0)
      throw new StatusError("BadRequest", "resourceVersionMatch Exact needs a resourceVersion");
    await this.#arrivals.waitForClient(revision);
    return this.#nextPage(query, { revision, key: prefixOf(query.resource, query.namespace) });
  }

  /** Applies the store's changes as long as there are any; when it has lost its place, starts anew. */
  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        const changes = this.#store.watch(ROOT, this.#arrivals.revision, signal);
        for await (const batch of changes) this.#apply(batch);
        // The store was closed: nothing more will come.
        this.close();
      } catch (error) {
        this.#logger.error("the cache lost its place in the store; it loads anew", { error });
        await this.#reload();
      }
    }
  }

  /** Watchers cannot be told what happened in between, so they end, and list. */
  async #reload(): Promise<void> {
    this.#isFollowing = false;
    const why = new StatusError("Expired", "the server lost its place; list and watch again");
    for (const cache of this.#caches.values()) cache.endWatchers(why);
    while (!this.#stop.signal.aborted) {
      try {
        const { entries, revision } = await this.#store.range(ROOT);
        for (const cache of this.#caches.values()) cache.endWatchers(why);
        this.#load(entries, revision);
        this.#arrivals.reach(revision);
        this.#isFollowing = true;
        return;
      } catch (error) {
        this.#logger.error("the store cannot be read", { error });
        await sleep(this.#clock, RELOAD_MS, this.#stop.signal);
      }
    }
  }

  #load(entries: readonly Entry[], revision: number): void {
    this.#caches = new Map();
    this.#loadedRevision = revision;
    for (const { key, modRevision, value } of entries) {
      if (value[0] !== BRACE) throw notJson(key);
      this.#cacheOf(key).objects.set(new Published(key, modRevision, value));
    }
  }

  #apply({ changes, revision }: ChangeBatch): void {
    for (const change of changes) {
      const key = change.kind === "put" ? change.entry.key : change.key;
      const at = change.kind === "put" ? change.entry.modRevision : change.revision;
      const known = this.#made.get(at)?.find((each) => each.key === key && each.revision === at);
      this.#cacheOf(key).apply(change, known);
    }
    this.#arrivals.reach(revision);
  }

  /** Nothing said: as new as anything; `0`: as it is here; else at least of that revision, which may be on its way. */
  async #asNewAs(resourceVersion: string | undefined): Promise<void> {
    const wanted = parseRevision(resourceVersion);
    if (resourceVersion === undefined || resourceVersion === "") await this.#fresh();
    else await this.#arrivals.waitForClient(wanted);
  }

  /** Every write that anybody had acknowledged before this call is here when it resolves. */
  async #fresh(): Promise<void> {
    if (this.#store.isShared !== true) return;
    await this.#arrivals.wait(await this.#store.revision());
  }

  /** A resource without a cache has had no changes since everything was loaded. */
  #cacheOf(key: string): ResourceCache {
    // `/registry/GROUP/PLURAL/…`
    const prefix = key.slice(0, key.indexOf("/", key.indexOf("/", ROOT.length) + 1));
    let cache = this.#caches.get(prefix);
    if (cache === undefined) {
      cache = new ResourceCache(this.#loadedRevision);
      this.#caches.set(prefix, cache);
    }
    return cache;
  }

  /** The timer runs only while somebody watches. */
  #setBookmarks(): void {
    this.#cancelBookmarks ??= this.#clock.after(BOOKMARK_MS, () => {
      this.#cancelBookmarks = undefined;
      const watched = [...this.#caches.values()].filter((cache) => cache.isWatched);
      for (const cache of watched) cache.bookmark(this.#arrivals.revision);
      if (watched.length > 0) this.#setBookmarks();
    });
  }
}

function notJson(key: string): ConfigError {
  return new ConfigError(
    `${key} in the store is not JSON; if it was encrypted, give the same --encryption-provider-config again`,
  );
}

/** At least one, if there is to be anything: whoever follows learns that the beginning is over. */
function* inSteps(
  events: readonly PublishedEvent[] | undefined,
): Generator<readonly PublishedEvent[]> {
  if (events === undefined) return;
  for (let at = 0; at === 0 || at < events.length; at += STEP_EVENTS)
    yield events.slice(at, at + STEP_EVENTS);
}

/** With a limit a list without a match is exact, too: so clients page that know of no matches. */
function isExact({ limit = 0, resourceVersion, resourceVersionMatch }: ListQuery): boolean {
  if (resourceVersionMatch !== undefined) return resourceVersionMatch === "Exact";
  return limit > 0 && parseRevision(resourceVersion) > 0;
}

function isNarrowed({ fieldSelector = "", labelSelector = "" }: Selectors): boolean {
  return fieldSelector !== "" || labelSelector !== "";
}
