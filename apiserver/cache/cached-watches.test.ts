import assert from "node:assert/strict";
import { describe } from "node:test";
import { configMaps, nodes, pods } from "#resources";
import type { PublishedEvent } from "../chain/steps.ts";
import { BOOKMARK_MS } from "./cached-objects.ts";
import { follow, names, pod, put, remove, settle, withCache } from "./test-steps.ts";
import { WAITING_MAX } from "./watcher.ts";

describe("CachedObjects watches", () => {
  withCache("go on behind a revision, without gap or repeat", async ({ objects }) => {
    const first = await put(objects, pod("a"));
    await put(objects, pod("b"));
    const watch = follow(objects, { resourceVersion: String(first.revision) });
    await settle();
    await put(objects, pod("a", { labels: { app: "x" } }));
    await remove(objects, "b");
    await settle();
    await watch.stop();
    const at = first.revision;
    assert.equal(watch.told(), `ADDED b@${at + 1} MODIFIED a@${at + 2} DELETED b@${at + 3}`);
  });

  withCache("tell who comes into a selection and who leaves it", async ({ objects }) => {
    const watches = [
      follow(objects, { labelSelector: "app=x" }),
      follow(objects, { labelSelector: "app in (x)", namespace: "default" }),
      follow(objects, { labelSelector: "app,app!=y" }),
    ];
    await settle();
    await put(objects, pod("a", { labels: { app: "y" } }));
    const second = await put(objects, pod("a", { labels: { app: "x" } }));
    await put(objects, pod("a", { labels: { app: "x", more: "1" } }));
    await put(objects, pod("a", { labels: { app: "y" } }));
    await settle();
    const at = second.revision;
    for (const watch of watches) {
      assert.equal(watch.told(), `ADDED a@${at} MODIFIED a@${at + 1} DELETED a@${at + 2}`);
      const left = watch.events.at(-1);
      assert.ok(left !== undefined && left.type === "DELETED");
      assert.equal(left.object.object.metadata.labels?.["app"], "x", "as it was last seen");
      await watch.stop();
    }
  });

  withCache("of a node, a name, a namespace get theirs alone", async ({ objects }) => {
    const node = follow(objects, { fieldSelector: "spec.nodeName=n1" });
    const name = follow(objects, { fieldSelector: "metadata.name=b", namespace: "default" });
    const namespace = follow(objects, { namespace: "other" });
    await settle();
    await put(objects, pod("a"));
    await put(objects, pod("a", { nodeName: "n1" }));
    await put(objects, pod("b", { nodeName: "n2" }));
    await put(objects, pod("b", { namespace: "other", nodeName: "n1" }));
    await settle();
    const kinds = (watch: { events: readonly PublishedEvent[] }) =>
      watch.events.map((e) => (e.type === "BOOKMARK" ? e.type : `${e.type} ${names([e.object])}`));
    assert.deepEqual(kinds(node), ["ADDED default/a", "ADDED other/b"]);
    assert.deepEqual(kinds(name), ["ADDED default/b"]);
    assert.deepEqual(kinds(namespace), ["ADDED other/b"]);
    for (const watch of [node, name, namespace]) await watch.stop();
  });

  withCache("share their events", async ({ objects }) => {
    const watches = [follow(objects, {}), follow(objects, { namespace: "default" })];
    await settle();
    await put(objects, pod("a"));
    await settle();
    const [first, second] = watches;
    assert.equal(first?.events.length, 1);
    assert.equal(first?.events[0], second?.events[0]);
    for (const watch of watches) await watch.stop();
  });
});

describe("CachedObjects watches: batches", () => {
  const changes = 20;
  const all = Array.from({ length: changes }, (_, i) => pod(`p${i}`, { labels: { app: "x" } }));

  withCache("hold all that was committed together, in order", async ({ objects }) => {
    const stop = new AbortController();
    const { revision } = await put(objects, pod("first"));
    const resourceVersion = String(revision);
    const batches = [{}, { labelSelector: "app=x" }, { namespace: "default" }].map((query) =>
      batchesOf(
        objects.watch({ ...query, resource: pods, resourceVersion, gathers: true }, stop.signal),
      ),
    );
    await settle();
    await Promise.all(all.map((each) => put(objects, each)));
    await settle();
    for (const found of batches) {
      assert.equal(found.length, 1);
      const revisions = found.flat().map((e) => (e.type === "BOOKMARK" ? 0 : e.object.revision));
      assert.equal(revisions.length, changes);
      assert.deepEqual(
        revisions,
        revisions.toSorted((a, b) => a - b),
      );
    }
    stop.abort();
  });

  withCache("come whole, in order, to who reads slowly", async ({ objects }) => {
    const query = { resource: pods, gathers: true };
    const reader = objects.watch(query, new AbortController().signal);
    const slow = reader[Symbol.asyncIterator]();
    assert.deepEqual((await slow.next()).value, [], "what there is");
    const first = slow.next();
    await settle();
    for (const half of [all.slice(0, 7), all.slice(7)]) {
      for (const each of half) await put(objects, each);
      await settle();
    }
    const events = [(await first).value, (await slow.next()).value].flat() as PublishedEvent[];
    const told = events.map((e) => (e.type === "BOOKMARK" ? "" : e.object.object.metadata.name));
    assert.deepEqual(
      told,
      all.map((each) => each.metadata.name),
    );
  });

  withCache("of others go on when one ends in the middle", async ({ objects }) => {
    const ending = follow(objects, {});
    const staying = follow(objects, {});
    await settle();
    const puts = all.map((each) => put(objects, each));
    const stopped = ending.stop();
    await Promise.all([...puts, stopped]);
    await put(objects, pod("last"));
    await settle();
    assert.equal(staying.events.length, changes + 1);
    assert.ok(ending.events.length <= changes);
    await staying.stop();
  });
});

/** A list that grows as batches come. */
function batchesOf(watch: AsyncIterable<readonly PublishedEvent[]>) {
  const found: (readonly PublishedEvent[])[] = [];
  void (async () => {
    for await (const batch of watch) found.push(batch);
  })();
  return found;
}

describe("CachedObjects watches: beginnings and endings", () => {
  withCache("begin with what is there, and say where that ends", async ({ objects }) => {
    await put(objects, pod("a"));
    await put(objects, { apiVersion: "v1", kind: "Node", metadata: { name: "n" } }, nodes);
    const watch = follow(objects, { sendInitialEvents: true, allowBookmarks: true });
    await settle();
    await put(objects, pod("b"));
    await settle();
    assert.match(watch.told(), /^ADDED a@\d+ INITIAL-END ADDED b@\d+$/);
    await watch.stop();
  });

  withCache("get bookmarks, though other resources alone change", async ({ objects, clock }) => {
    const watch = follow(objects, { allowBookmarks: true });
    const plain = follow(objects, {});
    await settle();
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c", namespace: "d" } };
    const { revision } = await put(objects, object, configMaps);
    clock.advance(BOOKMARK_MS);
    await settle();
    assert.equal(watch.told(), `BOOKMARK@${revision}`);
    assert.equal(plain.told(), "");
    await watch.stop();
    await plain.stop();
  });

  withCache("end when their past is gone, and when nobody reads them", async ({ objects }) => {
    const slow = objects.watch({ resource: pods }, new AbortController().signal);
    const reader = slow[Symbol.asyncIterator]();
    await reader.next();
    const waiting = reader.next();
    await settle();
    for (let i = 0; i < 2 * WAITING_MAX; i++)
      await put(objects, pod("a", { labels: { i: `${i}` } }));
    await waiting;
    await assert.rejects(
      async () => {
        for (;;) if ((await reader.next()).done === true) return;
      },
      { reason: "Expired" },
    );
    for (let i = 0; i < WAITING_MAX; i++) await put(objects, pod("a", { labels: { i: `${i}` } }));
    await assert.rejects(follow(objects, { resourceVersion: "2" }).ended, { reason: "Expired" });
  });

  withCache("end at once when the cache closes", async ({ objects }) => {
    const watch = follow(objects, {});
    await settle();
    objects.close();
    await watch.ended;
  });
});
