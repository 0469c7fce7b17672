import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { StatusError } from "#lib/status-error";
import { pods } from "#resources";
import type { ListQuery } from "../chain/steps.ts";
import { StoreObjects } from "../chain/store-objects.ts";
import { MemoryStore } from "../storage/memory/memory-store.ts";
import { TestClock } from "../storage/test-clock.ts";
import { CachedObjects } from "./cached-objects.ts";
import { follow, names, pod, put, remove, settle, withCache } from "./test-steps.ts";

describe("CachedObjects reads", () => {
  withCache("a read after a write sees it, as the same object", async ({ objects }) => {
    const made = await put(objects, pod("a"));
    assert.equal(await objects.get(pods, "default", "a"), made);
    assert.equal(made.object.metadata.resourceVersion, String(made.revision));
  });

  withCache("sees what others wrote to the store", async ({ objects, store }) => {
    await new StoreObjects(store).commit([
      { kind: "put", resource: pods, object: pod("foreign"), managedFields: [], ifRevision: 0 },
    ]);
    await settle();
    assert.equal(names((await objects.list({ resource: pods })).items), "default/foreign");
  });

  withCache("selects by namespace, label, node and name", async ({ objects }) => {
    await put(objects, pod("a", { labels: { app: "x" }, nodeName: "n1" }));
    await put(objects, pod("b", { labels: { app: "y" }, nodeName: "n1" }));
    await put(objects, pod("c", { labels: { app: "x" }, namespace: "other" }));
    const select = async (query: Omit<ListQuery, "resource">) =>
      names((await objects.list({ ...query, resource: pods })).items);
    assert.equal(await select({}), "default/a default/b other/c");
    assert.equal(await select({ namespace: "default" }), "default/a default/b");
    assert.equal(await select({ labelSelector: "app=x" }), "default/a other/c");
    assert.equal(await select({ namespace: "other", labelSelector: "app=x" }), "other/c");
    assert.equal(await select({ fieldSelector: "spec.nodeName=n1" }), "default/a default/b");
    assert.equal(
      await select({ fieldSelector: "spec.nodeName=n1", labelSelector: "app=y" }),
      "default/b",
    );
    assert.equal(await select({ fieldSelector: "spec.nodeName=" }), "other/c");
    assert.equal(await select({ namespace: "other", fieldSelector: "metadata.name=c" }), "other/c");
    assert.equal(await select({ labelSelector: "app in (x, y),app!=x" }), "default/b");
    await put(objects, pod("a", { labels: { app: "y" } }));
    assert.equal(await select({ labelSelector: "app=x" }), "other/c");
    assert.equal(await select({ labelSelector: "app=y" }), "default/a default/b");
    await remove(objects, "b");
    assert.equal(await select({ labelSelector: "app=y" }), "default/a");
  });
});

describe("CachedObjects pages", () => {
  withCache("pages show one moment, whatever is written meanwhile", async ({ objects }) => {
    for (const name of ["a", "b", "c", "d", "e"]) await put(objects, pod(name));
    const first = await objects.list({ resource: pods, limit: 2 });
    assert.equal(names(first.items), "default/a default/b");
    assert.equal(first.remainingItemCount, 3);
    const token = first.continue ?? "";
    const same = await objects.list({ resource: pods, limit: 2, continue: token });
    assert.equal(names(same.items), "default/c default/d");
    assert.equal(same.remainingItemCount, 1);
    await remove(objects, "d");
    await put(objects, pod("ca"));
    const second = await objects.list({ resource: pods, limit: 2, continue: token });
    assert.equal(names(second.items), "default/c default/d");
    assert.equal(second.revision, first.revision);
    const last = await objects.list({ resource: pods, limit: 2, continue: second.continue ?? "" });
    assert.equal(names(last.items), "default/e");
    assert.equal(last.continue, undefined);
  });

  withCache("of a moment that is gone the rest can be had as it is now", async (setting) => {
    const { objects, store } = setting;
    for (const name of ["a", "b", "c", "d"]) await put(objects, pod(name));
    const page = { resource: pods, limit: 2 };
    const first = await objects.list(page);
    await remove(objects, "c");
    await put(objects, pod("e"));
    await store.compact(await store.revision());
    let token: string | undefined;
    await assert.rejects(objects.list({ ...page, continue: first.continue ?? "" }), (error) => {
      assert.ok(StatusError.is(error, "Expired"));
      token = error.continue;
      return true;
    });
    const rest = await objects.list({ ...page, continue: token ?? "" });
    assert.equal(names(rest.items), "default/d default/e");
    assert.ok(rest.revision > first.revision);
    await assert.rejects(
      objects.list({ resource: pods, resourceVersionMatch: "Exact", resourceVersion: "1" }),
      (error) => StatusError.is(error, "Expired") && error.continue === undefined,
    );
  });

  withCache("an exact revision is read as it was", async ({ objects }) => {
    const first = await put(objects, pod("a"));
    await put(objects, pod("b"));
    const query = { resource: pods, resourceVersionMatch: "Exact" } as const;
    const past = await objects.list({ ...query, resourceVersion: String(first.revision) });
    assert.equal(names(past.items), "default/a");
    await assert.rejects(objects.list({ ...query, resourceVersion: "x" }), {
      reason: "BadRequest",
    });
  });

  withCache("a revision that does not come is refused in time", async ({ objects, clock }) => {
    const listing = objects.list({ resource: pods, resourceVersion: "1000" });
    const refused = assert.rejects(listing, { reason: "Timeout" });
    await settle();
    clock.advance(3_000);
    await refused;
  });
});

describe("CachedObjects", () => {
  it("loads anew when the store has forgotten what it missed", { timeout: 30_000 }, async () => {
    const clock = new TestClock();
    const store = new FlakyStore(clock);
    const objects = await CachedObjects.open(store, clock);
    const watch = follow(objects, {});
    await settle();
    store.fail();
    await new StoreObjects(store).commit([
      { kind: "put", resource: pods, object: pod("missed"), managedFields: [], ifRevision: 0 },
    ]);
    await assert.rejects(watch.ended, { reason: "Expired" });
    await settle();
    assert.equal(names((await objects.list({ resource: pods })).items), "default/missed");
    await put(objects, pod("next"));
    assert.ok(await objects.get(pods, "default", "next"));
    objects.close();
    await store.close();
  });

  it("answers as the plain reader does, whatever is written", { timeout: 60_000 }, async () => {
    const step = fc.record({
      name: fc.constantFrom("a", "b", "c", "d"),
      namespace: fc.constantFrom("n1", "n2"),
      app: fc.constantFrom("x", "y", undefined),
      node: fc.constantFrom("k1", "k2", undefined),
    });
    const query = fc.record(
      {
        namespace: fc.constantFrom("n1", "n2"),
        labelSelector: fc.constantFrom("app=x", "app!=x", "app in (x,y)", "!app", "app=y,app"),
        fieldSelector: fc.constantFrom("spec.nodeName=k1", "metadata.name=b", "spec.nodeName!=k1"),
        limit: fc.constantFrom(1, 2, 100),
      },
      { requiredKeys: [] },
    );
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.array(query), compare), {
      numRuns: 60,
    });
  });
});

interface Step {
  readonly name: string;
  readonly namespace: string;
  readonly app: string | undefined;
  readonly node: string | undefined;
}

async function compare(
  steps: readonly Step[],
  queries: readonly Partial<Omit<ListQuery, "resource">>[],
): Promise<void> {
  const clock = new TestClock();
  const store = new MemoryStore(clock);
  const cached = await CachedObjects.open(store, clock);
  const plain = new StoreObjects(store);
  for (const { name, namespace, app, node } of steps) {
    for (const query of queries.slice(0, 1)) await cached.list({ ...query, resource: pods });
    if (app === undefined && (await cached.get(pods, namespace, name)) !== undefined) {
      await remove(cached, name, namespace);
      continue;
    }
    const labels = app === undefined ? {} : { app };
    await put(
      cached,
      pod(name, { namespace, labels, ...(node === undefined ? {} : { nodeName: node }) }),
    );
  }
  for (const query of queries) {
    const mine = await cached.list({ ...query, resource: pods });
    const theirs = await plain.list({ ...query, resource: pods });
    assert.deepEqual(describeList(mine), describeList(theirs));
  }
  cached.close();
  await store.close();
}

function describeList(list: Awaited<ReturnType<CachedObjects["list"]>>) {
  const { items, revision, remainingItemCount } = list;
  const next = list.continue;
  return { items: items.map(({ bytes }) => bytes.toString()), revision, remainingItemCount, next };
}

/** Its watches fail once, as those of a store that has forgotten. */
class FlakyStore extends MemoryStore {
  #fail: () => void = () => {};

  fail(): void {
    this.#fail();
  }

  override async *watch(...[prefix, after, signal]: Parameters<MemoryStore["watch"]>) {
    const failing = new AbortController();
    let failed = false;
    this.#fail = () => {
      failed = true;
      failing.abort();
    };
    yield* super.watch(prefix, after, AbortSignal.any([signal, failing.signal]));
    if (failed) throw new Error("the store has forgotten");
  }
}
