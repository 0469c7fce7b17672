import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "#lib/testing/virtual-clock";
import { PendingWrites } from "./pending-writes.ts";

test("PendingWrites is settled when every creation has been seen", () => {
  const pending = new PendingWrites(new VirtualClock());
  assert.equal(pending.settled("a"), true);
  pending.expectCreations("a", 2);
  pending.creationSeen("a");
  assert.equal(pending.settled("a"), false);
  assert.equal(pending.settled("b"), true);
  pending.creationSeen("a");
  assert.equal(pending.settled("a"), true);
});

test("PendingWrites counts a deletion once, by its uid", () => {
  const pending = new PendingWrites(new VirtualClock());
  pending.expectDeletion("a", "x");
  pending.expectDeletion("a", "y");
  pending.deletionSeen("a", "x");
  pending.deletionSeen("a", "x");
  pending.deletionSeen("a", "other");
  assert.equal(pending.settled("a"), false);
  pending.deletionSeen("a", "y");
  assert.equal(pending.settled("a"), true);
});

test("PendingWrites takes what others made for no more than it is", () => {
  const pending = new PendingWrites(new VirtualClock());
  pending.creationSeen("a");
  pending.expectCreations("a", 1);
  assert.equal(pending.settled("a"), false);
});

test("PendingWrites does not wait for ever", async () => {
  const clock = new VirtualClock();
  const pending = new PendingWrites(clock);
  pending.expectCreations("a", 1);
  await clock.advance(60_000);
  assert.equal(pending.settlesInMs("a"), 4 * 60_000);
  await clock.advance(4 * 60_000);
  assert.equal(pending.settled("a"), true);
});
