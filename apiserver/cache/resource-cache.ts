import { StatusError } from "#lib/status-error";
import { Published } from "../chain/published.ts";
import type { PublishedEvent } from "../chain/steps.ts";
import type { Change } from "../storage/store.ts";
import { Collection } from "./collection.ts";
import { Transition } from "./transition.ts";
import type { Watcher } from "./watcher.ts";

/** Changes that are remembered for watches that come back: minutes of a busy cluster. */
const HISTORY_MAX = 8192;

/** One resource: its objects, its recent changes, and who watches them. */
export class ResourceCache {
  readonly objects = new Collection();
  readonly #watchers = new Set<Watcher>();
  #history: Transition[] = [];
  /** Changes up to this revision are not remembered. */
  #forgotten: number;

  constructor(revision: number) {
    this.#forgotten = revision;
  }

  /** `known`: what the writer of this change has made already, so that it is not made again. */
  apply(change: Change, known: Published | undefined): void {
    const key = change.kind === "put" ? change.entry.key : change.key;
    const before = this.objects.get(key);
    if (change.kind === "put") {
      const { modRevision, value } = change.entry;
      const after = known ?? new Published(key, modRevision, value);
      this.objects.set(after);
      // It may leave a selection by changing: then it is seen as it has become.
      this.#tell(new Transition(modRevision, before, after, () => after));
      return;
    }
    if (before === undefined) return;
    this.objects.delete(key);
    const { previous, revision } = change;
    const last = (): Published => new Published(key, revision, previous?.value ?? new Uint8Array());
    this.#tell(new Transition(revision, before, undefined, last));
  }

  /** Follows from behind a revision. Throws Expired when what came since is no longer known. */
  follow(watcher: Watcher, afterRevision: number): void {
    if (afterRevision < this.#forgotten) {
      throw new StatusError(
        "Expired",
        `too old resource version: ${afterRevision} (${this.#forgotten})`,
      );
    }
    const from = this.#history.findIndex((each) => each.revision > afterRevision);
    if (from !== -1) for (const each of this.#history.slice(from)) watcher.offer(each);
    this.#watchers.add(watcher);
  }

  unfollow(watcher: Watcher): void {
    this.#watchers.delete(watcher);
  }

  /** Tells watchers that nothing is missing up to this revision. */
  bookmark(revision: number): void {
    const event: PublishedEvent = { type: "BOOKMARK", revision, initialEventsEnd: false };
    for (const watcher of this.#watchers) if (watcher.wantsBookmarks) watcher.push(event);
  }

  get watched(): boolean {
    return this.#watchers.size > 0;
  }

  #tell(transition: Transition): void {
    this.#history.push(transition);
    if (this.#history.length > 2 * HISTORY_MAX) {
      this.#history = this.#history.slice(-HISTORY_MAX);
      this.#forgotten = (this.#history[0]?.revision ?? 1) - 1;
    }
    for (const watcher of this.#watchers) watcher.offer(transition);
  }
}
