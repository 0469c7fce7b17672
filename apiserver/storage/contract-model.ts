/** The second half of the store's contract: whatever is done, a slow and plain model says the same. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { OpenSubject } from "./contract.ts";
import { describeChange, eventually, follow, put, remove, text } from "./contract-steps.ts";
import type { Entry, Store, Write } from "./store.ts";

/** What one step writes: keys of a few, each put (a number) or deleted, some with a comparison. */
interface Intent {
  readonly key: string;
  readonly value: number | undefined;
  readonly compare: "none" | "absent" | "current" | "stale";
}

const KEYS = ["a", "a/b", "b", "ü", "\u{1f600}"];
const intents = fc.uniqueArray(
  fc.record<Intent>({
    key: fc.constantFrom(...KEYS),
    value: fc.option(fc.nat({ max: 99 }), { nil: undefined }),
    compare: fc.constantFrom("none", "none", "absent", "current", "stale"),
  }),
  { selector: (intent) => intent.key, minLength: 1, maxLength: 3 },
);

let runsStarted = 0;

export function storeModelContract(name: string, open: OpenSubject): void {
  describe(`store contract: ${name}`, () => {
    it("agrees with a slow model", { timeout: 120_000 }, async () => {
      const { store, dispose } = await open();
      try {
        await fc.assert(
          fc.asyncProperty(fc.array(intents, { maxLength: 20 }), (steps) => compare(store, steps)),
          { numRuns: 40 },
        );
      } finally {
        await dispose();
      }
    });
  });
}

async function compare(store: Store, steps: readonly (readonly Intent[])[]): Promise<void> {
  runsStarted += 1;
  const prefix = `/model-${runsStarted}/`;
  const start = await store.revision();
  const model = new Model(start);
  const watch = follow(store, prefix, start);
  for (const step of steps) {
    const writes = step.map((intent) => model.write(prefix, intent));
    if (writes.every((write) => !model.changes(write))) continue;
    const expected = model.apply(writes);
    const result = await store.write(writes);
    assert.deepEqual(result.ok ? result.revision : result.index, expected);
  }
  const last = model.newest();
  assert.equal(await store.revision(), last);
  for (let revision = start; revision <= last; revision++) {
    const { entries } = await store.range(prefix, { revision });
    assert.deepEqual(entries.map(describeEntry), model.at(revision).map(describeEntry));
  }
  await eventually(() => last === start || (watch.batches.at(-1)?.revision ?? 0) >= last);
  assert.deepEqual(watch.changes().toSorted(), model.log.toSorted());
  const middle = follow(store, prefix, Math.floor((start + last) / 2));
  const rest = model.log.filter(
    (line) => Number(/@(\d+)/.exec(line)?.[1]) > Math.floor((start + last) / 2),
  );
  await eventually(() => middle.changes().length >= rest.length);
  assert.deepEqual(middle.changes().toSorted(), rest.toSorted());
  await Promise.all([watch.stop(), middle.stop()]);
}

function describeEntry(entry: Entry): string {
  return `${entry.key}=${text(entry)} ${entry.createRevision} ${entry.modRevision}`;
}

/** Every state there was, each whole. */
class Model {
  readonly log: string[] = [];
  readonly #states: ReadonlyMap<string, Entry>[] = [new Map()];
  readonly #start: number;

  constructor(start: number) {
    this.#start = start;
  }

  newest(): number {
    return this.#start + this.#states.length - 1;
  }

  at(revision: number): Entry[] {
    const state = this.#states[revision - this.#start] ?? new Map<string, Entry>();
    return [...state.values()].toSorted((a, b) =>
      Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)),
    );
  }

  write(prefix: string, { compare: kind, key, value }: Intent): Write {
    const current = this.#current().get(prefix + key)?.modRevision ?? 0;
    const wanted = { none: undefined, absent: 0, current, stale: current + 1 }[kind];
    return value === undefined
      ? remove(prefix + key, wanted)
      : put(prefix + key, String(value), wanted);
  }

  /** Whether a store that skips empty revisions and one that does not agree on it. */
  changes(write: Write): boolean {
    return write.kind === "put" || this.#current().has(write.key);
  }

  /** The new revision, or the index of the write whose comparison fails. */
  apply(writes: readonly Write[]): number {
    const before = this.#current();
    const failed = writes.findIndex(
      ({ ifModRevision, key }) =>
        ifModRevision !== undefined && ifModRevision !== (before.get(key)?.modRevision ?? 0),
    );
    if (failed >= 0) return failed;
    const after = new Map(before);
    const revision = this.newest() + 1;
    for (const write of writes) {
      const previous = before.get(write.key);
      if (write.kind === "delete") {
        after.delete(write.key);
        if (previous === undefined) continue;
        this.log.push(describeChange({ kind: "delete", key: write.key, revision, previous }));
        continue;
      }
      const { key, value } = write;
      const createRevision = previous?.createRevision ?? revision;
      const entry = { key, value, createRevision, modRevision: revision };
      after.set(key, entry);
      this.log.push(describeChange({ kind: "put", entry, previous }));
    }
    this.#states.push(after);
    return revision;
  }

  #current(): ReadonlyMap<string, Entry> {
    return this.#states.at(-1) ?? new Map();
  }
}
