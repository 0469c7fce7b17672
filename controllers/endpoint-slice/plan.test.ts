import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod, Service } from "#proto/core/v1";
import type { EndpointSlice } from "#proto/discovery/v1";
import { planSlices, type WantedSlice } from "./plan.ts";

const service = {
  metadata: { name: "web", namespace: "d" },
  spec: { ports: [{ name: "http", port: 80, targetPort: "web", protocol: "TCP" }] },
} as unknown as Service;

function pod(name: string, { deleting = false, port = 8080, ready = true } = {}): Pod {
  return {
    metadata: { name, namespace: "d", uid: name, ...(deleting ? { deletionTimestamp: "t" } : {}) },
    spec: { nodeName: "n", containers: [{ ports: [{ name: "web", containerPort: port }] }] },
    status: {
      phase: "Running",
      podIP: `10.0.0.${name.length}`,
      conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
    },
  } as unknown as Pod;
}

/** What would be stored after the plan. */
function stored(wanted: readonly WantedSlice[]): EndpointSlice[] {
  return wanted.map(
    ({ endpoints, existing, ports }, at) =>
      ({
        ...existing,
        metadata: existing?.metadata ?? { name: `s${at}`, uid: `s${at}` },
        endpoints,
        ports,
      }) as unknown as EndpointSlice,
  );
}

test("planSlices() resolves named ports and says who is ready", () => {
  const { write } = planSlices(
    service,
    [pod("a"), pod("bb", { ready: false }), pod("ccc", { deleting: true })],
    [],
  );
  const [slice] = write;
  assert.deepEqual(slice?.ports, [{ name: "http", protocol: "TCP", port: 8080 }]);
  assert.deepEqual(
    slice?.endpoints.map((each) => each.conditions),
    [
      { ready: true, serving: true, terminating: false },
      { ready: false, serving: false, terminating: false },
      { ready: false, serving: true, terminating: true },
    ],
  );
});

test("planSlices() changes nothing when nothing has changed", () => {
  const before = stored(planSlices(service, [pod("a")], []).write);
  assert.deepEqual(planSlices(service, [pod("a")], before), { write: [], remove: [] });
});

test("planSlices() makes slices for each set of port numbers", () => {
  const { write } = planSlices(service, [pod("a"), pod("bb", { port: 9090 })], []);
  assert.deepEqual(write.map((each) => each.ports[0]?.port).toSorted(), [8080, 9090]);
});

test("planSlices() keeps one empty slice for a service without pods", () => {
  const [only] = planSlices(service, [], []).write;
  assert.deepEqual(only?.endpoints, []);
});

test("planSlices() touches only the slice that changes among several", () => {
  const many = Array.from({ length: 250 }, (_, at) => pod(`p${at}`));
  const before = stored(planSlices(service, many, []).write);
  assert.deepEqual(
    before.map((each) => each.endpoints.length),
    [100, 100, 50],
  );
  const { remove, write } = planSlices(service, many.slice(1), before);
  assert.deepEqual(remove, []);
  assert.equal(write.length, 1);
  assert.equal(write[0]?.endpoints.length, 99);
});
