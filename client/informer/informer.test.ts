import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { silentLogger } from "#lib/logger";
import { seededRandom, VirtualClock } from "#lib/testing/virtual-clock";
import type { ConfigMap } from "#proto/core/v1";
import { configMaps, secrets } from "#resources";
import { Client } from "../client.ts";
import { FakeTransport } from "../testing/fake-transport.ts";
import { Informer } from "./informer.ts";

const namespace = "default";

function follow() {
  const server = new FakeTransport();
  const client = new Client(server);
  const clock = new VirtualClock();
  const options = { client, clock, random: seededRandom(1), logger: silentLogger };
  const informer = new Informer<ConfigMap>(configMaps, {}, options);
  const seen: string[] = [];
  informer.onChange((before, after) => {
    const show = (map: ConfigMap | undefined): string => map?.data?.["v"] ?? "-";
    seen.push(`${(after ?? before)?.metadata.name} ${show(before)}>${show(after)}`);
  });
  const stop = new AbortController();
  const running = informer.run(stop.signal);
  return {
    server,
    client,
    clock,
    informer,
    seen,
    put: (name: string, v: string) =>
      client.create<ConfigMap>(configMaps, { metadata: { namespace, name }, data: { v } } as never),
    change: (name: string, v: string) =>
      client.patch(configMaps, { namespace, name }, { type: "merge", body: { data: { v } } }),
    remove: (name: string) => client.delete(configMaps, { namespace, name }),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await running;
    },
  };
}

test("Informer tells old and new of every change", async () => {
  await using it = follow();
  await it.put("a", "1");
  await it.clock.settle();
  await it.change("a", "2");
  await it.remove("a");
  await it.clock.settle();
  assert.deepEqual(it.seen, ["a ->1", "a 1>2", "a 2>-"]);
  assert.equal(it.informer.hasSynced, true);
});

test("Informer goes on where a watch ended, without reading everything again", async () => {
  await using it = follow();
  await it.clock.settle();
  it.server.endWatches();
  await it.put("a", "1");
  await it.clock.advance(1000);
  assert.deepEqual(it.seen, ["a ->1"]);
  assert.equal(it.server.calls.get("list"), 1);
});

test("Informer takes bookmarks, so that others' changes do not make its place too old", async () => {
  await using it = follow();
  await it.clock.settle();
  await it.client.create(secrets, { metadata: { namespace, name: "s" } } as never);
  await it.clock.settle();
  it.server.compact();
  it.server.endWatches();
  await it.put("a", "1");
  await it.clock.advance(1000);
  assert.deepEqual(it.seen, ["a ->1"]);
  assert.equal(it.server.calls.get("list"), 1);
});

test("Informer reads everything again when its place has been forgotten, and tells what it missed", async () => {
  await using it = follow();
  await it.put("kept", "1");
  await it.put("gone", "1");
  await it.put("remade", "1");
  await it.clock.settle();
  it.seen.length = 0;
  it.server.break();
  await it.clock.settle();
  it.server.mend();
  await it.remove("gone");
  await it.remove("remade");
  await it.put("remade", "2");
  await it.put("new", "1");
  it.server.compact();
  await it.clock.advance(5000);
  assert.deepEqual(it.seen, ["gone 1>-", "remade 1>-", "remade ->2", "new ->1"]);
});

test("Informer asks a server that is away ever more seldom", async () => {
  await using it = follow();
  await it.clock.settle();
  it.server.break();
  await it.clock.advance(60_000);
  const calls = it.server.calls.get("watch") ?? 0;
  assert.ok(calls > 5 && calls < 20, `${calls} calls in a minute`);
});

test("Informer does not hammer a server that ends every watch at once", async () => {
  await using it = follow();
  await it.clock.settle();
  for (let at = 0; at < 100; at++) {
    it.server.endWatches();
    await it.clock.advance(10);
  }
  assert.ok((it.server.calls.get("watch") ?? 0) < 10);
});

type Followed = ReturnType<typeof follow>;

/** What may happen to a server and its connection. */
const STEPS = {
  put: async (it: Followed, name: string) => {
    await it.put(name, "1").catch(() => it.change(name, "2").catch(() => {}));
  },
  remove: (it: Followed, name: string) => it.remove(name).catch(() => {}),
  wait: (it: Followed) => it.clock.advance(300),
  end: async (it: Followed) => it.server.endWatches(),
  break: async (it: Followed) => it.server.break(),
  mend: async (it: Followed) => it.server.mend(),
  lose: async (it: Followed, name: string) => {
    it.server.endWatches();
    await STEPS.put(it, name);
    it.server.compact();
  },
} as const;

/** Checks that each event begins where the last one about the object ended. */
function checkEvents({ informer }: Followed): ReadonlyMap<string, string> {
  const told = new Map<string, string>();
  informer.onChange((before, after) => {
    const name = (after ?? before)?.metadata.name ?? "";
    assert.equal(told.get(name), before?.metadata.uid);
    if (after === undefined) told.delete(name);
    else told.set(name, after.metadata.uid);
  });
  return told;
}

test("Informer's copy is the server's state in the end, whatever broke on the way, and its events add up to it", async () => {
  const step = fc.record({
    what: fc.constantFrom(...(Object.keys(STEPS) as (keyof typeof STEPS)[])),
    name: fc.constantFrom("a", "b", "c"),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      await using it = follow();
      const told = checkEvents(it);
      for (const { name, what } of steps) await STEPS[what](it, name);
      it.server.mend();
      await it.clock.advance(30_000);
      const { items } = await it.client.list(configMaps);
      const versions = (all: Iterable<ConfigMap>) =>
        [...all].map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`).toSorted();
      assert.deepEqual(versions(it.informer.store.values()), versions(items));
      assert.equal(told.size, items.length);
    }),
    { numRuns: 40 },
  );
});
