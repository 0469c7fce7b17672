import { Published } from "../chain/published.ts";
import type { Predicate } from "../chain/selection.ts";
import type { PublishedEvent } from "../chain/steps.ts";
import type { Change } from "../storage/store.ts";

export interface TransitionOptions {
  readonly key: string;
  readonly revision: number;
  readonly before: Published | undefined;
  readonly after: Published | undefined;
  readonly change: Change;
}

/**
 * One change of one object. It means different things to different watchers (an object that comes into a selection is
 * new there), but the events are made once and shared: whoever writes them encodes each once.
 */
export class Transition {
  readonly key: string;
  readonly revision: number;
  readonly before: Published | undefined;
  /** Undefined when the object is gone. */
  readonly after: Published | undefined;
  readonly #change: Change;
  #added: PublishedEvent | undefined;
  #modified: PublishedEvent | undefined;
  #deleted: PublishedEvent | undefined;

  constructor(options: TransitionOptions) {
    this.key = options.key;
    this.revision = options.revision;
    this.before = options.before;
    this.after = options.after;
    this.#change = options.change;
  }

  /** What a watcher with this selection is told; undefined: nothing. */
  eventFor(wanted: Predicate | undefined): PublishedEvent | undefined {
    const was = this.before !== undefined && (wanted === undefined || wanted(this.before.object));
    const is = this.after !== undefined && (wanted === undefined || wanted(this.after.object));
    if (is) return was ? this.#modifiedEvent() : this.#addedEvent();
    return was ? this.#deletedEvent() : undefined;
  }

  #addedEvent(): PublishedEvent | undefined {
    if (this.after !== undefined) this.#added ??= { type: "ADDED", object: this.after };
    return this.#added;
  }

  #modifiedEvent(): PublishedEvent | undefined {
    if (this.after !== undefined) this.#modified ??= { type: "MODIFIED", object: this.after };
    return this.#modified;
  }

  /** As it was last in the selection, with the revision at which it left, so that a watch can resume behind it. */
  #deletedEvent(): PublishedEvent | undefined {
    if (this.#deleted !== undefined) return this.#deleted;
    const value = this.#change.previous?.value;
    const object =
      value === undefined
        ? this.before?.at(this.revision)
        : new Published(this.key, this.revision, value);
    if (object === undefined) return undefined;
    this.#deleted = { type: "DELETED", object };
    return this.#deleted;
  }
}
