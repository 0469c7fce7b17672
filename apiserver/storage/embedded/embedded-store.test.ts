import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { silentLogger } from "#lib/logger";
import { storeContract } from "../contract.ts";
import { storeModelContract } from "../contract-model.ts";
import { eventually, follow, put, remove, text, written } from "../contract-steps.ts";
import { CompactedError, StorageFullError } from "../store.ts";
import { TestClock } from "../test-clock.ts";
import { EmbeddedStore } from "./embedded-store.ts";

const logger = silentLogger;

const open = async () => {
  const directory = mkdtempSync(join(tmpdir(), "naru-store-"));
  const clock = new TestClock();
  const store = new EmbeddedStore({ directory, clock, logger });
  return {
    store,
    pass: async (seconds: number) => clock.advance(seconds * 1000),
    dispose: async () => {
      await store.close();
      rmSync(directory, { recursive: true });
    },
  };
};

storeContract("embedded", open);
storeModelContract("embedded", open);

function inFolder(title: string, step: (directory: string) => Promise<void>): void {
  it(title, { timeout: 60_000 }, async () => {
    const directory = mkdtempSync(join(tmpdir(), "naru-store-"));
    try {
      await step(directory);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}

describe("embedded store", () => {
  inFolder(
    "keeps everything over a restart: values, past, watches, expiries",
    async (directory) => {
      const clock = new TestClock();
      const before = new EmbeddedStore({ directory, clock, logger });
      const first = await written(before, [put("/a", "1"), put("/b", "1")]);
      const second = await written(before, [put("/a", "2"), remove("/b")]);
      await written(before, [{ ...put("/brief", "x"), ttlSeconds: 100 }]);
      await before.close();
      clock.advance(50_000);
      const store = new EmbeddedStore({ directory, clock, logger });
      assert.equal(await store.revision(), second + 1);
      assert.deepEqual((await store.range("/", { revision: first })).entries.map(text), ["1", "1"]);
      const watch = follow(store, "/", first);
      await eventually(() => watch.changes().length === 3);
      assert.deepEqual(watch.changes(), [
        `put /a=2 @${second} was 1`,
        `delete /b @${second} was 1`,
        `put /brief=x @${second + 1} was nothing`,
      ]);
      clock.advance(60_000);
      await eventually(() => watch.changes().length === 4);
      await watch.stop();
      await store.close();
    },
  );

  inFolder("ends what expired while it was closed", async (directory) => {
    const clock = new TestClock();
    const before = new EmbeddedStore({ directory, clock, logger });
    await written(before, [{ ...put("/brief", "x"), ttlSeconds: 100 }]);
    await before.close();
    clock.advance(200_000);
    const store = new EmbeddedStore({ directory, clock, logger });
    clock.advance(1);
    await eventually(async () => (await store.get("/brief")) === undefined);
    await store.close();
  });

  inFolder("names the process that has it open", async (directory) => {
    const clock = new TestClock();
    const store = new EmbeddedStore({ directory, clock, logger });
    assert.throws(() => new EmbeddedStore({ directory, clock, logger }), {
      name: "StoreLockedError",
      message: new RegExp(`process ${process.pid} has it open`),
    });
    await store.close();
    await new EmbeddedStore({ directory, clock, logger }).close();
  });
});

describe("embedded store: bounds", () => {
  inFolder(
    "refuses writes to a full disk, lets deletions through, and goes on",
    async (directory) => {
      const clock = new TestClock();
      const store = new EmbeddedStore({ directory, clock, logger });
      await written(store, [put("/a", "1")]);
      await store.close();
      const full = new EmbeddedStore({ directory, clock, logger, freeBytesMin: 2 ** 60 });
      const [refused, deleted] = await Promise.allSettled([
        full.write([put("/b", "1")]),
        full.write([remove("/a")]),
      ]);
      assert.ok(refused.status === "rejected" && refused.reason instanceof StorageFullError);
      assert.equal(deleted.status, "fulfilled");
      assert.equal(await full.get("/a"), undefined);
      await full.close();
      const again = new EmbeddedStore({ directory, clock, logger });
      await written(again, [put("/c", "1")]);
      assert.equal((await again.range("/")).entries.length, 1);
      await again.close();
    },
  );

  inFolder("writes to the room that its own deletions made", async (directory) => {
    const clock = new TestClock();
    const store = new EmbeddedStore({ directory, clock, logger });
    const keys = Array.from({ length: 80 }, (_, i) => `/${i}`);
    for (const key of keys) await written(store, [put(key, "x".repeat(100_000))]);
    await store.close();
    const full = new EmbeddedStore({ directory, clock, logger, freeBytesMin: 2 ** 60 });
    await assert.rejects(full.write([put("/new", "1")]), StorageFullError);
    for (const key of keys) await written(full, [remove(key)]);
    // Its past still holds them; the first refusal lets that go.
    const write = () => full.write([put("/new", "1")]).catch(() => undefined);
    await eventually(async () => (await write())?.ok === true);
    await full.close();
  });

  inFolder("keeps values that were read, whatever is written later", async (directory) => {
    const clock = new TestClock();
    const store = new EmbeddedStore({ directory, clock, logger });
    const sizes = [10, 5_000, 100_000, 1 << 20];
    const value = (size: number, fill: number): Buffer => Buffer.alloc(size, fill);
    for (const size of sizes)
      await written(store, [{ kind: "put", key: `/${size}`, value: value(size, 1) }]);
    const { entries } = await store.range("/");
    for (let round = 2; round < 12; round++) {
      for (const size of sizes)
        await written(store, [{ kind: "put", key: `/${size}`, value: value(size, round) }]);
      await store.compact(await store.revision());
    }
    for (const entry of entries)
      assert.ok(value(entry.value.length, 1).equals(entry.value), entry.key);
    await store.close();
  });

  inFolder("bounds its history by itself", async (directory) => {
    const clock = new TestClock();
    const store = new EmbeddedStore({ directory, clock, logger });
    for (let i = 0; i < 240; i++) {
      await Promise.all(Array.from({ length: 100 }, (_, j) => store.write([put(`/${j}`, `${i}`)])));
    }
    await assert.rejects(store.range("/", { revision: 2 }), CompactedError);
    const revision = (await store.revision()) - 19_000;
    assert.equal((await store.range("/", { revision })).entries.length, 100);
    await assert.rejects(follow(store, "/", 2).ended, CompactedError);
    await store.close();
  });
});
