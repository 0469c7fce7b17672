import { StatusError } from "#lib/status-error";
import { Published } from "../chain/published.ts";
import type { PublishedEvent } from "../chain/steps.ts";
import type { Change } from "../storage/store.ts";
import { Collection } from "./collection.ts";
import { Transition } from "./transition.ts";
import type { Watcher } from "./watcher.ts";
import { Watchers } from "./watchers.ts";

/** Changes that are remembered for watches that come back: minutes of a busy cluster. */
const HISTORY_MAX = 8192;

/** One resource: its objects, its recent changes, and who watches them. */
export class ResourceCache {
  readonly objects = new Collection();
  readonly #watchers = new Watchers();
  #history: Transition[] = [];
  /** Changes up to this revision are not remembered. */
  #forgotten: number;
  #changed: number;

  constructor(revision: number) {
    this.#forgotten = revision;
    this.#changed = revision;
  }

  /** Since this revision the objects are as they are now. */
  get changedRevision(): number {
    return this.#changed;
  }

  get isWatched(): boolean {
    return this.#watchers.size > 0;
  }

  /** `known`: what the writer of this change has made already, so that it is not made again. */
  apply(change: Change, known: Published | undefined): void {
    const key = change.kind === "put" ? change.entry.key : change.key;
    const before = this.objects.get(key);
    if (change.kind === "put") {
      const { modRevision, value } = change.entry;
      const after = known ?? new Published(key, modRevision, value);
      this.objects.set(after);
      this.#tell(new Transition({ key, revision: modRevision, before, after, change }));
      return;
    }
    if (before === undefined) return;
    this.objects.delete(key);
    this.#tell(
      new Transition({ key, revision: change.revision, before, after: undefined, change }),
    );
  }

  /** Follows from behind a revision. Throws Expired when what came since is no longer known. */
  follow(watcher: Watcher, afterRevision: number): void {
    if (afterRevision < this.#forgotten) {
      throw new StatusError(
        "Expired",
        `too old resource version: ${afterRevision} (${this.#forgotten})`,
      );
    }
    // Mostly a watch comes back from a moment ago.
    let from = this.#history.length;
    while ((this.#history[from - 1]?.revision ?? 0) > afterRevision) from--;
    for (let at = from; at < this.#history.length; at++) {
      const transition = this.#history[at];
      if (transition !== undefined) watcher.offer(transition);
    }
    this.#watchers.add(watcher);
  }

  unfollow(watcher: Watcher): void {
    this.#watchers.delete(watcher);
  }

  /** Tells watchers that nothing is missing up to this revision. */
  bookmark(revision: number): void {
    const event: PublishedEvent = { type: "BOOKMARK", revision, initialEventsEnd: false };
    for (const watcher of this.#watchers.all()) if (watcher.wantsBookmarks) watcher.push(event);
  }

  endWatchers(why: StatusError | "quietly"): void {
    for (const watcher of this.#watchers.all()) watcher.end(why);
  }

  #tell(transition: Transition): void {
    this.#changed = transition.revision;
    this.#history.push(transition);
    if (this.#history.length > 2 * HISTORY_MAX) this.#forget();
    this.#watchers.offer(transition);
  }

  /** Up to a revision's last change: half of a revision would be a gap. */
  #forget(): void {
    const { length } = this.#history;
    this.#forgotten = this.#history[length - HISTORY_MAX - 1]?.revision ?? this.#forgotten;
    this.#history = this.#history.filter(({ revision }) => revision > this.#forgotten);
  }
}
