import assert from "node:assert/strict";
import { test } from "node:test";
import { StatusError } from "#lib/status-error";
import { statusOf } from "./status.ts";

test("a list that is gone says where to go on", () => {
  const { code, json } = statusOf(new StatusError("Expired", "gone", { continue: "token" }));
  assert.equal(code, 410);
  assert.deepEqual(json, {
    kind: "Status",
    apiVersion: "v1",
    metadata: { continue: "token" },
    status: "Failure",
    message: "gone",
    reason: "Expired",
    code: 410,
  });
});
