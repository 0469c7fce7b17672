import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, Informer, type Transport } from "#client";
import { silentLogger } from "#lib/logger";
import { seededRandom, VirtualClock } from "#lib/testing/virtual-clock";
import type { PersistentVolumeClaim, Pod } from "#proto/core/v1";
import { persistentVolumeClaims } from "#resources";
import { VolumeBinder } from "./volume-binder.ts";

const POD = {
  metadata: { name: "p", namespace: "d" },
  spec: { volumes: [{ name: "v", persistentVolumeClaim: { claimName: "data" } }] },
} as unknown as Pod;

function claim(phase: string, resourceVersion: string): PersistentVolumeClaim {
  const metadata = { name: "data", namespace: "d", resourceVersion };
  return { metadata, spec: {}, status: { phase } } as unknown as PersistentVolumeClaim;
}

/** A server with one claim, which is bound when `bind` is called. */
function start(phase: string) {
  const clock = new VirtualClock();
  const patches: unknown[] = [];
  const changed = Promise.withResolvers<void>();
  const transport = {
    list: async () => ({ items: [claim(phase, "1")], resourceVersion: "1" }),
    async *watch() {
      await changed.promise;
      yield { type: "MODIFIED", object: claim("Bound", "2") };
    },
    patch: async (_target: unknown, { body }: { readonly body: unknown }) => {
      patches.push(body);
      return claim(phase, "1");
    },
  } as unknown as Transport;
  const client = new Client(transport);
  const deps = { client, clock, random: seededRandom(1), logger: silentLogger };
  const claims = new Informer(persistentVolumeClaims, {}, deps);
  const stop = new AbortController();
  void claims.run(stop.signal);
  const binder = new VolumeBinder({ client, clock, claims });
  return { binder, claims, clock, patches, stop, bind: () => changed.resolve() };
}

test("a claim that waits is told the node, and the pod goes on when it is bound", async () => {
  const { bind, binder, claims, patches, stop } = start("Pending");
  await claims.synced;
  let isDone = false;
  const binding = binder.bind(POD, "n1").then(() => (isDone = true));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isDone, false);
  const annotations = { "volume.kubernetes.io/selected-node": "n1" };
  assert.deepEqual(patches, [{ metadata: { annotations } }]);
  bind();
  await binding;
  stop.abort();
});

test("a claim that is bound is left alone", async () => {
  const { binder, claims, patches, stop } = start("Bound");
  await claims.synced;
  await binder.bind(POD, "n1");
  assert.deepEqual(patches, []);
  stop.abort();
});

test("a claim that is not bound in time sends the pod back", async () => {
  const { binder, claims, clock, stop } = start("Pending");
  await claims.synced;
  const binding = assert.rejects(binder.bind(POD, "n1"), /claim d\/data was not bound within 60 s/);
  await clock.advance(60_000);
  await binding;
  stop.abort();
});
