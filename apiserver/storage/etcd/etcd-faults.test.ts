import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Etcd3 } from "etcd3";
import { silentLogger } from "#lib/logger";
import { StatusError } from "#lib/status-error";
import { systemClock } from "#lib/system-clock";
import { eventually, follow, put, text, written } from "../contract-steps.ts";
import { CompactedError } from "../store.ts";
import { EtcdStore } from "./etcd-store.ts";
import { startTestEtcd, type TestEtcd, whyNoEtcd } from "./test-etcd.ts";
import { startTestLink, type TestLink } from "./test-link.ts";

describe("etcd, when something is lost", { skip: whyNoEtcd() ?? false, timeout: 120_000 }, () => {
  let etcd: TestEtcd;
  let link: TestLink;
  /** Goes through the link. */
  let store: EtcdStore;
  /** Goes to etcd straight. */
  let other: EtcdStore;

  before(async () => {
    etcd = await startTestEtcd();
    link = await startTestLink(etcd.url);
    store = await open(link.url);
    other = await open(etcd.url);
  });
  after(async () => {
    await closeAll();
    await link?.close();
    await etcd?.remove();
  });

  it("takes a watch up again without a gap or a repeat", async () => {
    const start = await store.revision();
    const watch = follow(store, "/w/", start);
    for (let i = 0; i < 40; i++) {
      await written(other, [put("/w/a", String(i)), put("/w/b", String(i))]);
      if (i % 10 === 4) link.cut();
      if (i % 10 === 8) link.mend();
      await delay(10);
    }
    await eventually(() => watch.changes().length >= 80);
    const revisions = watch.batches.filter((b) => b.changes.length > 0).map((b) => b.revision);
    assert.deepEqual(
      revisions,
      Array.from({ length: 40 }, (_, i) => start + 1 + i),
    );
    await watch.stop();
  });

  it("tells followers when their changes were forgotten meanwhile", async () => {
    const watch = follow(store, "/c/", await store.revision());
    await written(store, [put("/c/a", "1")]);
    await eventually(() => watch.changes().length === 1);
    link.cut();
    for (let i = 0; i < 5; i++) await written(other, [put("/c/a", String(i))]);
    await other.compact(await other.revision());
    link.mend();
    await assert.rejects(watch.ended, CompactedError);
    const anew = follow(store, "/c/", await store.revision());
    await written(other, [put("/c/a", "new")]);
    await eventually(() => anew.changes().length === 1);
    await anew.stop();
  });

  it("goes on after etcd was killed and came back", async () => {
    const start = await store.revision();
    const watch = follow(store, "/k/", start);
    await written(store, [{ ...put("/k/a", "1"), ttlSeconds: 1000 }]);
    await etcd.kill();
    await assert.rejects(store.write([put("/k/a", "lost")]), (error) =>
      StatusError.is(error, "ServiceUnavailable"),
    );
    await etcd.start();
    await written(store, [put("/k/a", "2")]);
    await eventually(() => watch.changes().length === 2);
    assert.equal(text(await store.get("/k/a")), "2");
    await watch.stop();
  });
});

describe("etcd, at its limits", { skip: whyNoEtcd() ?? false, timeout: 120_000 }, () => {
  let etcd: TestEtcd;
  before(async () => {
    etcd = await startTestEtcd();
  });
  after(async () => {
    await closeAll();
    await etcd?.remove();
  });

  it("uses the member that answers", async () => {
    const link = await startTestLink(etcd.url);
    const store = await open("http://127.0.0.1:1", link.url, etcd.url);
    const watch = follow(store, "/m/", await store.revision());
    await written(store, [put("/m/a", "1")]);
    await eventually(() => watch.changes().length === 1);
    link.cut();
    // A write that was under way is not repeated; those after it go elsewhere.
    await store.write([put("/m/a", "perhaps")]).catch(() => {});
    await written(store, [put("/m/a", "2")]);
    await eventually(() => /=2 /.test(watch.changes().at(-1) ?? ""));
    await watch.stop();
    await link.close();
  });

  it("refuses whole what etcd does not take at once", async () => {
    const store = await open(etcd.url);
    const wide = Array.from({ length: 1_001 }, (_, i) => put(`/wide/${i}`, ""));
    await assert.rejects(store.write(wide), /etcd refuses 1001 writes of 0 bytes at once.*max-txn/);
    const large = put("/large", "x".repeat(3 << 20));
    await assert.rejects(store.write([large]), /etcd refuses 1 writes of 3145728 bytes/);
    assert.equal(
      (await store.range("/")).entries.some((e) => e.key.startsWith("/wide/")),
      false,
    );
  });

  it("grants another lease when etcd lost the one that is shared", async () => {
    const store = await open(etcd.url);
    const brief = { ...put("/lease/a", "1"), ttlSeconds: 1000 };
    await written(store, [brief]);
    const admin = new Etcd3({ hosts: etcd.url });
    for (const { ID } of (await admin.leaseClient.leaseLeases()).leases)
      await admin.leaseClient.leaseRevoke({ ID });
    admin.close();
    assert.equal(await store.get("/lease/a"), undefined);
    await written(store, [brief]);
    assert.equal(text(await store.get("/lease/a")), "1");
  });
});

/** Open after their tests, also after those that fail. */
const opened: EtcdStore[] = [];

async function open(...endpoints: string[]): Promise<EtcdStore> {
  const store = await EtcdStore.open({ endpoints, clock: systemClock, logger: silentLogger });
  opened.push(store);
  return store;
}

async function closeAll(): Promise<void> {
  await Promise.all(opened.splice(0).map((store) => store.close()));
}
