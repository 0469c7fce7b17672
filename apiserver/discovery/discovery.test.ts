import assert from "node:assert/strict";
import { test } from "node:test";
import { deployments, pods } from "#resources";
import { Discovery } from "./discovery.ts";

/** Whether it answers for a path. */
function serves(path: string): Promise<boolean> {
  const generation = 0;
  const discovery = new Discovery({
    resources: { generation, all: () => [pods, deployments] },
    services: { generation, priorityOf: () => ({ group: 0, version: 0 }) },
    extensions: { generation, all: () => [] },
    health: { serve: async () => false },
    documents: () => undefined,
  } as never);
  return discovery.serve({ path, request: { headers: {} }, object: async () => {} } as never);
}

test("Discovery answers for a group with and without a slash at the end", async () => {
  for (const path of ["/", "/api", "/apis/", "/apis/apps", "/apis/apps/", "/apis/apps/v1"])
    assert.equal(await serves(path), true, path);
});

test("Discovery knows no path by further names, which it would have to remember", async () => {
  for (const path of ["//", "/apis//", "/apis//apps", "/apis///apps/v1", "/api//v1"])
    assert.equal(await serves(path), false, path);
});
