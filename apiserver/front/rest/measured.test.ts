import assert from "node:assert/strict";
import { test } from "node:test";
import { pods } from "#resources";
import { measuredOf } from "./measured.ts";
import { Exchange } from "./respond.ts";
import type { ResourceRoute } from "./routes.ts";

function verbOf(method: string, url: string, route?: ResourceRoute): string {
  const request = { method, url, headers: { "content-type": "application/apply-patch+yaml" } };
  return measuredOf(new Exchange(request as never, {} as never), route).verb;
}

test("measuredOf() tells known verbs apart", () => {
  const one = { resource: pods, namespace: "default", name: "a" };
  assert.equal(verbOf("GET", "/version"), "get");
  assert.equal(verbOf("PATCH", "/version"), "patch");
  assert.equal(verbOf("PATCH", "/api/v1/namespaces/default/pods/a", one), "apply");
  assert.equal(verbOf("DELETE", "/api/v1/pods", { resource: pods }), "deletecollection");
});

test("measuredOf() has one verb for all methods that clients make up", () => {
  assert.equal(verbOf("BREW", "/version"), "other");
  assert.equal(verbOf("STEEP", "/api/v1/pods", { resource: pods }), "other");
});
