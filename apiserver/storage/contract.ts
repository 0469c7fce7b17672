/** What `store.ts` promises, as a suite: every implementation calls `storeContract` from its test. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { eventually, follow, put, remove, text, written } from "./contract-steps.ts";
import { CompactedError, FutureRevisionError, type Store } from "./store.ts";

/** A store to try, and its time. */
export interface Subject {
  readonly store: Store;
  /** Lets this time pass for the store. */
  pass(seconds: number): Promise<void>;
  /** Closes the store, and removes what it left. */
  dispose(): Promise<void>;
}

export type OpenSubject = () => Promise<Subject>;
type Step = (store: Store, prefix: string, subject: Subject) => Promise<void>;

/** Subjects may share a server: each test has keys of its own. */
let testsStarted = 0;

export function storeContract(name: string, open: OpenSubject): void {
  const test = (title: string, step: Step): void => {
    it(title, { timeout: 60_000 }, async () => {
      const subject = await open();
      testsStarted += 1;
      try {
        await step(subject.store, `/contract-${testsStarted}/`, subject);
      } finally {
        await subject.dispose();
      }
    });
  };
  describe(`store contract: ${name}`, () => {
    describe("writes", () => testWrites(test));
    describe("reads", () => testReads(test));
    describe("watches", () => testWatches(test));
    describe("watches under load", () => testWatchesUnderLoad(test));
    describe("endings", () => testEndings(test));
    describe("history", () => testHistory(test));
    describe("expiry", () => testExpiry(test));
  });
}

type Test = (title: string, step: Step) => void;

function testWrites(test: Test): void {
  test("each write raises the revision by one, and the key carries it", async (store, prefix) => {
    const before = await store.revision();
    const first = await written(store, [put(`${prefix}a`, "1")]);
    const second = await written(store, [put(`${prefix}a`, "2")]);
    assert.deepEqual([first, second], [before + 1, before + 2]);
    const entry = await store.get(`${prefix}a`);
    assert.equal(text(entry), "2");
    assert.equal(entry?.createRevision, first);
    assert.equal(entry?.modRevision, second);
    assert.equal(await store.revision(), second);
  });

  test("a key made anew has a new create revision", async (store, prefix) => {
    await written(store, [put(`${prefix}a`, "1")]);
    await written(store, [remove(`${prefix}a`)]);
    assert.equal(await store.get(`${prefix}a`), undefined);
    const again = await written(store, [put(`${prefix}a`, "2")]);
    assert.equal((await store.get(`${prefix}a`))?.createRevision, again);
  });

  test("a comparison that fails names the write and what the key holds", async (store, prefix) => {
    const made = await written(store, [put(`${prefix}a`, "1", 0)]);
    const again = await store.write([put(`${prefix}b`, "x"), put(`${prefix}a`, "2", 0)]);
    assert.ok(!again.ok);
    assert.equal(again.index, 1);
    assert.equal(again.current?.modRevision, made);
    assert.equal(text(again.current), "1");
    assert.equal(await store.get(`${prefix}b`), undefined, "nothing of the batch was written");
    assert.equal(await store.revision(), made, "and the revision stayed");
    const missing = await store.write([remove(`${prefix}none`, made)]);
    assert.deepEqual(missing, { ok: false, index: 0, current: undefined });
  });

  test("a comparison that holds lets the write pass", async (store, prefix) => {
    const made = await written(store, [put(`${prefix}a`, "1", 0)]);
    const changed = await written(store, [put(`${prefix}a`, "2", made)]);
    await written(store, [remove(`${prefix}a`, changed)]);
    assert.equal(await store.get(`${prefix}a`), undefined);
  });

  test("a batch is one revision", async (store, prefix) => {
    const before = await store.revision();
    const keys = Array.from({ length: 40 }, (_, i) => `${prefix}${i}`);
    const revision = await written(
      store,
      keys.map((key) => put(key, key)),
    );
    assert.equal(revision, before + 1);
    const { entries } = await store.range(prefix);
    assert.equal(entries.length, 40);
    assert.ok(entries.every((entry) => entry.modRevision === revision));
  });

  test("of many who compare at once exactly one wins a round", async (store, prefix) => {
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, i) => store.write([put(`${prefix}a`, String(i), 0)])),
    );
    assert.equal(results.filter((result) => result.ok).length, 1);
    const winner = results.findIndex((result) => result.ok);
    assert.equal(text(await store.get(`${prefix}a`)), String(winner));
  });

  test("a value may have a megabyte, or nothing", async (store, prefix) => {
    const large = new Uint8Array(1 << 20).map((_, i) => i * 31 + (i >> 8));
    await written(store, [{ kind: "put", key: `${prefix}large`, value: large }]);
    await written(store, [put(`${prefix}none`, "")]);
    const read = await store.get(`${prefix}large`);
    assert.ok(Buffer.from(read?.value ?? []).equals(large));
    assert.equal((await store.get(`${prefix}none`))?.value.length, 0);
  });
}

function testReads(test: Test): void {
  test("a range has the keys below the prefix, in the order of their bytes", async (store, prefix) => {
    const sorted = ["", "a", "a/b", "a0", "b", "é", "\u{ffff}", "\u{1f600}"].map(
      (end) => `${prefix}k${end}`,
    );
    for (const key of sorted.toReversed()) await written(store, [put(key, key)]);
    await written(store, [put(`${prefix}j`, "other"), put(`${prefix}l`, "other")]);
    const { entries, more, revision } = await store.range(`${prefix}k`);
    assert.deepEqual(
      entries.map((entry) => entry.key),
      sorted,
    );
    assert.equal(more, false);
    assert.equal(revision, await store.revision());
  });

  test("pages put together are the whole", async (store, prefix) => {
    const keys = Array.from({ length: 25 }, (_, i) => `${prefix}${String(i).padStart(2, "0")}`);
    await written(
      store,
      keys.map((key) => put(key, key)),
    );
    const first = await store.range(prefix, { limit: 10 });
    assert.equal(first.more, true);
    await written(store, [put(`${prefix}05-new`, ""), remove(keys[20] ?? "")]);
    const pages = [...first.entries];
    for (let more = true; more; ) {
      const startKey = `${pages.at(-1)?.key}\0`;
      const page = await store.range(prefix, { limit: 10, startKey, revision: first.revision });
      assert.equal(page.revision, first.revision);
      pages.push(...page.entries);
      more = page.more;
    }
    assert.deepEqual(
      pages.map((entry) => entry.key),
      keys,
    );
    const exact = await store.range(prefix, { limit: 25, revision: first.revision });
    assert.equal(exact.more, false);
    const early = await store.range(`${prefix}1`, { startKey: prefix });
    assert.equal(
      early.entries[0]?.key,
      keys.find((key) => key.startsWith(`${prefix}1`)),
    );
  });

  test("the past can be read, the future not", async (store, prefix) => {
    const first = await written(store, [put(`${prefix}a`, "1"), put(`${prefix}b`, "1")]);
    const second = await written(store, [put(`${prefix}a`, "2")]);
    const third = await written(store, [remove(`${prefix}b`)]);
    const at = async (revision: number): Promise<string> =>
      (await store.range(prefix, { revision })).entries.map(text).join();
    assert.deepEqual([await at(first), await at(second), await at(third)], ["1,1", "2,1", "2"]);
    await assert.rejects(store.range(prefix, { revision: third + 1000 }), FutureRevisionError);
  });
}

function testWatches(test: Test): void {
  test("a watch has every change after its revision, with what was before", async (store, prefix) => {
    await written(store, [put(`${prefix}a`, "0")]);
    const start = await written(store, [put(`${prefix}a`, "1")]);
    const second = await written(store, [put(`${prefix}a`, "2"), put(`${prefix}b`, "x")]);
    const watch = follow(store, prefix, start);
    const third = await written(store, [remove(`${prefix}a`)]);
    await eventually(() => watch.changes().length === 3);
    assert.deepEqual(watch.changes().toSorted(), [
      `delete ${prefix}a @${third} was 2`,
      `put ${prefix}a=2 @${second} was 1`,
      `put ${prefix}b=x @${second} was nothing`,
    ]);
    assert.equal(watch.batches.filter((batch) => batch.changes.length === 2).length, 1);
    await watch.stop();
  });

  test("changes elsewhere arrive as progress", async (store, prefix) => {
    const watch = follow(store, `${prefix}mine/`, await store.revision());
    await written(store, [put(`${prefix}mine/a`, "1")]);
    await eventually(() => watch.changes().length === 1);
    const revision = await written(store, [put(`${prefix}other/a`, "1")]);
    await eventually(() => (watch.batches.at(-1)?.revision ?? 0) >= revision);
    assert.equal(watch.changes().length, 1);
    await watch.stop();
  });
}

function testWatchesUnderLoad(test: Test): void {
  test("no gap and no repeat, whenever a watch starts", async (store, prefix) => {
    const start = await store.revision();
    const watches = [follow(store, prefix, start)];
    let last = start;
    const write = async (writer: number): Promise<void> => {
      for (let i = 0; i < 25; i++) {
        const keys = [`${prefix}${writer}`, `${prefix}shared-${writer % 3}`];
        last = Math.max(
          last,
          await written(
            store,
            keys.map((key) => put(key, String(i))),
          ),
        );
        if (i % 8 === writer) watches.push(follow(store, prefix, start));
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, writer) => write(writer)));
    watches.push(follow(store, prefix, start));
    const expected = Array.from({ length: 200 }, (_, i) => start + 1 + i);
    for (const watch of watches) {
      await eventually(() => (watch.batches.at(-1)?.revision ?? 0) >= last);
      const full = watch.batches.filter((batch) => batch.changes.length > 0);
      const revisions = full.flatMap(({ changes }) => [
        ...new Set(changes.map((change) => (change.kind === "put" ? change.entry.modRevision : 0))),
      ]);
      assert.deepEqual(revisions, expected);
      await watch.stop();
    }
  });

  test("a reader who dawdles misses nothing", async (store, prefix) => {
    const start = await store.revision();
    const stop = new AbortController();
    const iterator = store.watch(prefix, start, stop.signal)[Symbol.asyncIterator]();
    const seen: number[] = [];
    for (let i = 0; i < 30; i++) await written(store, [put(`${prefix}a`, String(i))]);
    while (seen.length < 30) {
      const { value, done } = await iterator.next();
      assert.ok(done !== true);
      for (const change of value.changes)
        seen.push(change.kind === "put" ? Number(text(change.entry)) : -1);
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 30 }, (_, i) => i),
    );
    stop.abort();
    assert.equal((await iterator.next()).done, true);
  });
}

function testEndings(test: Test): void {
  test("an abort ends a watch quietly, also one that waits or never began", async (store, prefix) => {
    const waiting = follow(store, prefix, await store.revision());
    await written(store, [put(`${prefix}a`, "1")]);
    await eventually(() => waiting.changes().length === 1);
    await waiting.stop();
    const never = new AbortController();
    never.abort();
    for await (const _ of store.watch(prefix, await store.revision(), never.signal)) {
      assert.fail("an aborted watch yields nothing");
    }
  });

  test("closing ends the watches", async (store, prefix) => {
    const watch = follow(store, prefix, await store.revision());
    await written(store, [put(`${prefix}a`, "1")]);
    await eventually(() => watch.changes().length === 1);
    await store.close();
    await watch.ended;
  });
}

function testHistory(test: Test): void {
  test("compaction forgets the past and keeps what is", async (store, prefix) => {
    const first = await written(store, [put(`${prefix}a`, "1"), put(`${prefix}b`, "1")]);
    await written(store, [put(`${prefix}a`, "2")]);
    await written(store, [put(`${prefix}a`, "3")]);
    const fourth = await written(store, [remove(`${prefix}b`)]);
    const fifth = await written(store, [put(`${prefix}a`, "5")]);
    await store.compact(fourth);
    await assert.rejects(store.range(prefix, { revision: first }), CompactedError);
    const { entries } = await store.range(prefix, { revision: fourth });
    assert.deepEqual(entries.map(text), ["3"], "the state at the revision can be read");
    const late = follow(store, prefix, first);
    await assert.rejects(late.ended, CompactedError);
    const watch = follow(store, prefix, fourth);
    await eventually(() => watch.changes().length === 1);
    assert.deepEqual(watch.changes(), [`put ${prefix}a=5 @${fifth} was 3`]);
    await watch.stop();
    assert.equal(text(await store.get(`${prefix}a`)), "5");
    await store.compact(first);
    assert.deepEqual((await store.range(prefix)).entries.map(text), ["5"]);
  });
}

function testExpiry(test: Test): void {
  test("a key goes by itself, and watchers see it", async (store, prefix, { pass }) => {
    const watch = follow(store, prefix, await store.revision());
    await written(store, [
      { ...put(`${prefix}brief`, "1"), ttlSeconds: 2 },
      put(`${prefix}stays`, "1"),
    ]);
    assert.equal(text(await store.get(`${prefix}brief`)), "1");
    await pass(5);
    await eventually(() => watch.changes().length === 3);
    assert.match(watch.changes().at(-1) ?? "", /^delete .*brief @\d+ was 1$/);
    assert.equal(await store.get(`${prefix}brief`), undefined);
    assert.equal(text(await store.get(`${prefix}stays`)), "1");
    await watch.stop();
  });

  test("a later write decides whether the key goes", async (store, prefix, { pass }) => {
    const brief = { ...put(`${prefix}a`, "1"), ttlSeconds: 2 };
    await written(store, [brief]);
    await written(store, [put(`${prefix}a`, "2")]);
    await written(store, [{ ...brief, key: `${prefix}b` }]);
    await written(store, [{ ...brief, key: `${prefix}b`, ttlSeconds: 1000 }]);
    await pass(5);
    assert.equal(text(await store.get(`${prefix}a`)), "2");
    assert.equal(text(await store.get(`${prefix}b`)), "1");
  });
}
