/** Group commit: all batches that arrive while one commit is under way go into the next. */
import { type ChangeBatch, StorageFullError, type WriteResult } from "../store.ts";
import { type Batch, isEmpty, planCommit } from "./plan-commit.ts";
import type { Facts } from "./records.ts";
import type { Changeset, Tables } from "./tables.ts";
import { planTrim } from "./trim.ts";

/** More would make the first caller of a group wait for too long, and hold too much memory. */
const GROUP_BATCHES_MAX = 4_096;
const GROUP_BYTES_MAX = 8 << 20;

export interface CommitterDeps {
  readonly tables: Tables;
  readonly nowMs: () => number;
  /** Throws `StorageFullError` when this should not be written now. */
  readonly checkSpace: (changes: Changeset) => void;
  /** Called after a commit is durable, before its writers hear of it. */
  readonly publish: (batches: readonly ChangeBatch[], facts: Facts) => void;
}

interface Waiting {
  readonly batch: Batch;
  readonly bytes: number;
  readonly resolve: (result: WriteResult) => void;
  readonly reject: (error: unknown) => void;
}

export class Committer {
  readonly #deps: CommitterDeps;
  #queue: Waiting[] = [];
  #running: Promise<void> | undefined;
  #facts: Facts;
  /** The history before it is to go with the next commit. */
  #compactTo = 0;
  /** After a commit failed half-way the library's memory is not to be trusted; only a restart is. */
  #broken: Error | undefined;

  constructor(deps: CommitterDeps, facts: Facts) {
    this.#deps = deps;
    this.#facts = facts;
  }

  write(batch: Batch): Promise<WriteResult> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    return new Promise((resolve, reject) => {
      this.#queue.push({ batch, bytes: bytesOf(batch), resolve, reject });
      this.#start();
    });
  }

  async compact(revision: number): Promise<void> {
    this.#compactTo = Math.max(this.#compactTo, revision);
    await this.write({ writes: [] });
  }

  /** Resolves when nothing waits any more. */
  async drain(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  #start(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#queue.length > 0) this.#start();
    });
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      // Whoever writes in the same turn of the loop comes along: a commit costs as much as several writes in it.
      await new Promise(setImmediate);
      const group = this.#takeGroup();
      await this.#commit(group).catch((error: unknown) => this.#refuse(group, error));
    }
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken;
    const { tables, nowMs, publish } = this.#deps;
    const plan = tables.snapshot((snapshot) => {
      const planned = planCommit({
        batches: group.map(({ batch }) => batch),
        facts: this.#facts,
        nowMs: nowMs(),
        current: (key) => snapshot.entry(key),
      });
      return { ...planned, changes: planTrim(planned.changes, this.#compactTo, snapshot) };
    });
    if (!isEmpty(plan.changes)) {
      this.#checkSpace(plan.changes);
      await tables.commit(plan.changes).catch((cause: unknown) => {
        this.#broken = new Error("store: a commit failed; it takes no more writes until reopened", {
          cause,
        });
        throw this.#broken;
      });
      this.#facts = plan.changes.facts;
    }
    publish(plan.published, this.#facts);
    for (const [index, { resolve, reject }] of group.entries()) {
      const result = plan.results[index];
      if (result === undefined) reject(new Error("store: a batch without a result"));
      else resolve(result);
    }
  }

  /** Deletions are the way out of a full disk: they must not fail for the company that they were in. */
  async #refuse(group: readonly Waiting[], error: unknown): Promise<void> {
    const isFull = error instanceof StorageFullError;
    const deletions = isFull ? group.filter(({ batch }) => !hasPut(batch)) : [];
    const others = isFull ? group.filter(({ batch }) => hasPut(batch)) : group;
    for (const { reject } of others) reject(error);
    if (deletions.length === 0) return;
    try {
      await this.#commit(deletions);
    } catch (again) {
      for (const { reject } of deletions) reject(again);
    }
  }

  #checkSpace(changes: Changeset): void {
    try {
      this.#deps.checkSpace(changes);
    } catch (error) {
      this.#forgetHistory();
      throw error;
    }
  }

  /** On a full disk the past goes first: its pages then hold what is. */
  #forgetHistory(): void {
    const { oldest, revision } = this.#facts;
    if (oldest >= revision) return;
    this.#compactTo = revision;
    this.#queue.push({ batch: { writes: [] }, bytes: 0, resolve: () => {}, reject: () => {} });
  }

  #takeGroup(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#queue) {
      bytes += waiting.bytes;
      if (count > 0 && (count >= GROUP_BATCHES_MAX || bytes > GROUP_BYTES_MAX)) break;
      count++;
    }
    const group = this.#queue.slice(0, count);
    this.#queue = this.#queue.slice(count);
    return group;
  }
}

function hasPut({ writes }: Batch): boolean {
  return writes.some(({ kind }) => kind === "put");
}

function bytesOf({ writes }: Batch): number {
  return writes.reduce((sum, w) => sum + w.key.length + (w.kind === "put" ? w.value.length : 0), 0);
}
