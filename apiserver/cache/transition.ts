import type { Published } from "../chain/published.ts";
import type { Predicate } from "../chain/selection.ts";
import type { PublishedEvent } from "../chain/steps.ts";

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
  /** The object as a watcher sees it go: with the revision at which it went, so that a watch can resume behind it. */
  readonly #last: () => Published;
  #added: PublishedEvent | undefined;
  #modified: PublishedEvent | undefined;
  #deleted: PublishedEvent | undefined;

  constructor(
    revision: number,
    before: Published | undefined,
    after: Published | undefined,
    last: () => Published,
  ) {
    this.key = (after ?? before)?.key ?? "";
    this.revision = revision;
    this.before = before;
    this.after = after;
    this.#last = last;
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

  #deletedEvent(): PublishedEvent {
    this.#deleted ??= { type: "DELETED", object: this.#last() };
    return this.#deleted;
  }
}
