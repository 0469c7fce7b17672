import assert from "node:assert/strict";
import { test } from "node:test";
import type { Draft } from "#proto";
import type { Pod } from "#proto/core/v1";
import { jobs, pods, RESOURCES } from "#resources";
import { humanDuration } from "./duration.ts";
import { podStatus } from "./pod-table.ts";
import { columnsOf, rowOf } from "./table.ts";

const NOW = Date.parse("2026-01-01T12:00:00Z");

function pod(fields: Draft<Pod>): Pod {
  const metadata = { name: "p", creationTimestamp: "2026-01-01T11:55:00Z", ...fields.metadata };
  return {
    apiVersion: "v1",
    kind: "Pod",
    spec: { containers: [{ name: "c" }] },
    ...fields,
    metadata,
  } as Pod;
}

function waiting(reason: string) {
  return [{ name: "c", state: { waiting: { reason } } }];
}

function ended(exitCode: number, reason?: string) {
  return [{ name: "c", state: { terminated: { exitCode, ...(reason ? { reason } : {}) } } }];
}

const INIT = { initContainers: [{ name: "c" }], containers: [{ name: "m" }], nodeName: "n" };

const STATUSES: readonly (readonly [string, Draft<Pod>])[] = [
  ["Pending", { status: { phase: "Pending" } }],
  ["Pending", {}],
  [
    "ContainerCreating",
    { status: { phase: "Pending", containerStatuses: waiting("ContainerCreating") } },
  ],
  [
    "CrashLoopBackOff",
    { status: { phase: "Running", containerStatuses: waiting("CrashLoopBackOff") } },
  ],
  ["OOMKilled", { status: { phase: "Failed", containerStatuses: ended(137, "OOMKilled") } }],
  ["ExitCode:2", { status: { phase: "Failed", containerStatuses: ended(2) } }],
  ["Completed", { status: { phase: "Succeeded", containerStatuses: ended(0, "Completed") } }],
  ["Evicted", { status: { phase: "Failed", reason: "Evicted" } }],
  [
    "Terminating",
    { metadata: { deletionTimestamp: "2026-01-01T12:00:00Z" }, status: { phase: "Running" } },
  ],
  ["Init:0/1", { spec: INIT, status: { phase: "Pending" } }],
  [
    "Init:ImagePullBackOff",
    {
      spec: INIT,
      status: { phase: "Pending", initContainerStatuses: waiting("ImagePullBackOff") },
    },
  ],
  [
    "Init:Error",
    { spec: INIT, status: { phase: "Pending", initContainerStatuses: ended(1, "Error") } },
  ],
  [
    "PodInitializing",
    {
      spec: INIT,
      status: {
        phase: "Pending",
        initContainerStatuses: ended(0),
        containerStatuses: waiting("PodInitializing"),
      },
    },
  ],
  [
    "SchedulingGated",
    {
      status: {
        phase: "Pending",
        conditions: [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }],
      },
    },
  ],
];

for (const [index, [expected, fields]] of STATUSES.entries()) {
  test(`podStatus() says ${expected} (${index})`, () => {
    assert.equal(podStatus(pod(fields)), expected);
  });
}

test("a pod's row counts what is ready and says when it restarted last", () => {
  const lastState = { terminated: { exitCode: 1, finishedAt: "2026-01-01T11:59:30Z" } };
  const containerStatuses = [
    { name: "c", ready: true, restartCount: 3, lastState, state: { running: {} } },
  ];
  const { cells } = rowOf(pods, pod({ status: { phase: "Running", containerStatuses } }), NOW);
  assert.deepEqual(cells.slice(0, 5), ["p", "1/1", "Running", "3 (30s ago)", "5m"]);
});

test("every kind has as many cells as columns, of an object with nothing in it", () => {
  for (const resource of RESOURCES) {
    const metadata = { name: "x", creationTimestamp: "2026-01-01T11:00:00Z" };
    const bare = { apiVersion: "v1", kind: resource.kind, metadata, roleRef: {} };
    const { cells } = rowOf(resource, bare as never, NOW);
    assert.equal(cells.length, columnsOf(resource).length, resource.kind);
  }
});

test("humanDuration() is as coarse as kubectl's", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "0s"],
    [119, "119s"],
    [120, "2m"],
    [200, "3m20s"],
    [3600, "60m"],
    [3 * 3600 + 60, "3h1m"],
    [8 * 3600, "8h"],
    [47 * 3600, "47h"],
    [50 * 3600, "2d2h"],
    [100 * 86_400, "100d"],
    [3 * 365 * 86_400, "3y"],
    [-5, "<invalid>"],
  ];
  for (const [seconds, text] of cases) assert.equal(humanDuration(seconds * 1000), text);
});

const JOB_ROWS: readonly (readonly [string, object, readonly unknown[]])[] = [
  ["one that runs", { status: { startTime: "2026-01-01T11:58:00Z" } }, ["Running", "0/2", "2m"]],
  [
    "one that is done",
    {
      status: {
        startTime: "2026-01-01T11:00:00Z",
        completionTime: "2026-01-01T11:00:45Z",
        succeeded: 2,
        conditions: [
          { type: "SuccessCriteriaMet", status: "True" },
          { type: "Complete", status: "True" },
        ],
      },
    },
    ["Complete", "2/2", "45s"],
  ],
  [
    "one without completions",
    { spec: { parallelism: 3 }, status: { succeeded: 1 } },
    ["Running", "1/1 of 3", ""],
  ],
];

for (const [name, fields, expected] of JOB_ROWS) {
  test(`a Job's row for ${name}`, () => {
    const job = { metadata: { name: "j" }, spec: { completions: 2 }, ...fields } as never;
    assert.deepEqual(rowOf(jobs, job, NOW).cells.slice(1, 4), expected);
  });
}
