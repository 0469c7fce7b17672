import assert from "node:assert/strict";
import { test } from "node:test";
import type { ReplicaSet } from "#proto/apps/v1";
import { replicaSetStatus } from "./status.ts";

const set = (conditions: readonly object[] = []): ReplicaSet =>
  ({ metadata: { generation: 1 }, spec: {}, status: { conditions } }) as never;

test("replicaSetStatus() tells a failure once, and not each try's own words", () => {
  const first = { reason: "FailedCreate", message: 'pods "web-a" is forbidden' } as const;
  const { conditions = [] } = replicaSetStatus(set(), [], first, 0);
  assert.deepEqual(conditions, [
    {
      type: "ReplicaFailure",
      status: "True",
      ...first,
      lastTransitionTime: "1970-01-01T00:00:00Z",
    },
  ]);
  const again = { ...first, message: 'pods "web-b" is forbidden' };
  assert.deepEqual(replicaSetStatus(set(conditions), [], again, 5000).conditions, conditions);
});

test("replicaSetStatus() tells another failure, and takes it back when it is over", () => {
  const before = { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: "m" };
  const other = { reason: "FailedDelete", message: "n" } as const;
  const told = replicaSetStatus(set([before]), [], other, 0).conditions?.[0];
  assert.deepEqual([told?.reason, told?.message], ["FailedDelete", "n"]);
  assert.equal(replicaSetStatus(set([before]), [], undefined, 0).conditions, undefined);
});
