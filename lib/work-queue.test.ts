import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { WorkQueue } from "./work-queue.ts";

test("WorkQueue hands a key out once, however often it was added", () => {
  const queue = new WorkQueue();
  queue.add("a");
  queue.add("a");
  assert.equal(queue.take(), "a");
  assert.equal(queue.take(), undefined);
});

test("WorkQueue hands a key out again when it was added while it was handled", () => {
  const queue = new WorkQueue();
  queue.add("a");
  queue.take();
  queue.add("a");
  assert.equal(queue.take(), undefined, "one worker at a time");
  queue.done("a");
  assert.equal(queue.take(), "a");
});

/** The queue beside the slow, obvious bookkeeping of what it owes. */
class Checked {
  readonly #queue = new WorkQueue();
  readonly needed = new Set<string>();
  readonly #handled = new Set<string>();

  add(key: string): void {
    this.#queue.add(key);
    this.needed.add(key);
  }

  take(): string | undefined {
    const key = this.#queue.take();
    if (key === undefined) return undefined;
    assert.ok(this.needed.delete(key), "nothing is handled that need not be");
    assert.ok(!this.#handled.has(key), "one worker at a time");
    this.#handled.add(key);
    return key;
  }

  done(key: string): void {
    if (this.#handled.delete(key)) this.#queue.done(key);
  }

  finish(): void {
    for (const key of this.#handled) this.done(key);
    for (let key = this.take(); key !== undefined; key = this.take()) this.done(key);
  }
}

test("WorkQueue loses no key and gives none to two workers", () => {
  const step = fc.record({
    do: fc.constantFrom("add" as const, "take", "done"),
    key: fc.constantFrom("a", "b", "c"),
  });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const queue = new Checked();
      for (const { do: what, key } of steps) queue[what](key);
      queue.finish();
      assert.equal(queue.needed.size, 0);
    }),
  );
});
