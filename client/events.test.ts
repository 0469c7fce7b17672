import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "#lib/logger";
import { seededRandom, VirtualClock } from "#lib/testing/virtual-clock";
import type { Pod } from "#proto/core/v1";
import { events } from "#resources";
import { Client } from "./client.ts";
import { EventRecorder } from "./events.ts";
import { FakeTransport } from "./testing/fake-transport.ts";

function record() {
  const clock = new VirtualClock();
  const client = new Client(new FakeTransport());
  const options = {
    client,
    component: "test",
    clock,
    random: seededRandom(1),
    logger: silentLogger,
  };
  const recorder = new EventRecorder(options);
  const counts = async (): Promise<readonly string[]> => {
    await clock.settle();
    const { items } = await client.list(events);
    return items.map(({ count, message }) => `${message} x${count}`);
  };
  const say = (about: Pod, message: string): void =>
    recorder.record(about, { type: "Normal", reason: "Said", message });
  return { client, clock, counts, say };
}

function pod(uid: string): Pod {
  const metadata = { namespace: "default", name: "web", uid, resourceVersion: "7" };
  return { apiVersion: "v1", kind: "Pod", metadata } as unknown as Pod;
}

test("EventRecorder says of what, by whom and when", async () => {
  const { client, counts, say } = record();
  say(pod("u"), "hello");
  assert.deepEqual(await counts(), ["hello x1"]);
  const [event] = (await client.list(events)).items;
  assert.deepEqual(event?.involvedObject, {
    apiVersion: "v1",
    kind: "Pod",
    namespace: "default",
    name: "web",
    uid: "u",
    resourceVersion: "7",
  });
  assert.equal(event?.source?.component, "test");
  assert.equal(event?.lastTimestamp, "2026-01-01T00:00:00Z");
});

test("EventRecorder counts what is said again, for ten minutes", async () => {
  const { clock, counts, say } = record();
  say(pod("u"), "hello");
  say(pod("u"), "hello");
  await clock.advance(60_000);
  say(pod("u"), "hello");
  say(pod("u"), "other");
  assert.deepEqual(await counts(), ["hello x3", "other x1"]);
  await clock.advance(11 * 60_000);
  say(pod("u"), "hello");
  assert.deepEqual((await counts()).toSorted(), ["hello x1", "hello x3", "other x1"]);
});

test("EventRecorder bounds what one object may say, and lets others speak", async () => {
  const { clock, counts, say } = record();
  for (let at = 0; at < 100; at++) say(pod("u"), `message ${at}`);
  assert.equal((await counts()).length, 25);
  say(pod("v"), "mine");
  assert.equal((await counts()).length, 26);
  await clock.advance(60_000);
  for (let at = 0; at < 100; at++) say(pod("u"), `later ${at}`);
  assert.equal((await counts()).length, 31, "five more a minute");
});
