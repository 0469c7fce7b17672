/** A server over what an earlier one left behind. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "#lib/system-clock";
import { namespaces, services } from "#resources";
import { startTestServer } from "../harness/api-server.ts";
import { KeptStore } from "../harness/kept-store.ts";

const ADMIN = { name: "admin", groups: ["system:masters"] };

test("a server starts again over its store, and leaves what was changed as it is", async () => {
  const store = new KeptStore(systemClock);
  const kubernetes = { resource: services, namespace: "default", name: "kubernetes" };
  {
    await using first = await startTestServer({ store });
    const label = { metadata: { labels: { mine: "yes" } } };
    const api = first.server.core.as(ADMIN);
    await api.patch({ resource: namespaces, name: "default" }, { type: "merge", body: label });
  }
  await using second = await startTestServer({ store });
  const api = second.server.core.as(ADMIN);
  const kept = await api.get({ resource: namespaces, name: "default" });
  assert.equal(kept.metadata.labels?.["mine"], "yes");
  assert.equal((await api.get(kubernetes)).metadata.name, "kubernetes");
});
