import assert from "node:assert/strict";
import { it } from "node:test";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import { RESOURCES } from "#resources";
import { MemoryStore } from "../storage/memory/memory-store.ts";
import { StorageFullError } from "../storage/store.ts";
import { TestClock } from "../storage/test-clock.ts";
import { StoreObjects } from "./store-objects.ts";

const HOUR_MS = 3_600_000;

const events = RESOURCES.find(({ plural }) => plural === "events");
const object: JsonObject = { metadata: { name: "a", namespace: "default" } };

it("lets an event go an hour after its last write", async () => {
  assert.ok(events !== undefined);
  const clock = new TestClock();
  const store = new MemoryStore(clock);
  const objects = new StoreObjects(store);
  const commit = (ifRevision: number) =>
    objects.commit([{ kind: "put", resource: events, object, managedFields: [], ifRevision }]);
  const made = await commit(0);
  assert.ok(made.ok);
  clock.advance(HOUR_MS / 2);
  assert.ok((await commit(made.revision)).ok);
  clock.advance(HOUR_MS / 2 + 1);
  assert.equal((await store.range("/")).entries.length, 1);
  clock.advance(HOUR_MS / 2);
  assert.equal((await store.range("/")).entries.length, 0);
  await store.close();
});

it("tells clients of a full disk", async () => {
  assert.ok(events !== undefined);
  const store = new MemoryStore(new TestClock());
  store.write = () => Promise.reject(new StorageFullError("full"));
  const objects = new StoreObjects(store);
  await assert.rejects(
    objects.commit([{ kind: "put", resource: events, object, managedFields: [], ifRevision: 0 }]),
    (error) => StatusError.is(error, "ServiceUnavailable"),
  );
});
