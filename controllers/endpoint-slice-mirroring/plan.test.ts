import assert from "node:assert/strict";
import { test } from "node:test";
import type { Endpoints, Service } from "#proto/core/v1";
import type { EndpointSlice } from "#proto/discovery/v1";
import { isMirrored, planMirror } from "./plan.ts";

const HTTP = { name: "http", port: 80, protocol: "TCP" };

test("planMirror() makes a slice for each subset and family, with what is ready and what is not", () => {
  const { create, remove, update } = planMirror(
    [
      {
        addresses: [{ ip: "10.0.0.1", hostname: "a" }, { ip: "fd00::1" }],
        notReadyAddresses: [{ ip: "10.0.0.2" }],
        ports: [{ name: "http", port: 80 }],
      },
    ],
    [],
  );
  assert.deepEqual(create, [
    {
      addressType: "IPv4",
      ports: [HTTP],
      endpoints: [
        { addresses: ["10.0.0.1"], conditions: { ready: true }, hostname: "a" },
        { addresses: ["10.0.0.2"], conditions: { ready: false } },
      ],
    },
    {
      addressType: "IPv6",
      ports: [HTTP],
      endpoints: [{ addresses: ["fd00::1"], conditions: { ready: true } }],
    },
  ]);
  assert.deepEqual([remove, update], [[], []]);
});

test("planMirror() changes the slice of the same ports, and removes what is wanted no more", () => {
  const slice = (name: string, port: number, ip: string): EndpointSlice =>
    ({
      metadata: { name },
      addressType: "IPv4",
      ports: [{ ...HTTP, port }],
      endpoints: [{ addresses: [ip], conditions: { ready: true } }],
    }) as unknown as EndpointSlice;
  const existing = [
    slice("same", 80, "10.0.0.1"),
    slice("moved", 81, "10.0.0.1"),
    slice("old", 82, "10.0.0.1"),
  ];
  const subset = (port: number, ip: string) => ({
    addresses: [{ ip }],
    ports: [{ name: "http", port }],
  });
  const plan = planMirror([subset(80, "10.0.0.1"), subset(81, "10.0.0.9")], existing);
  assert.deepEqual(
    plan.update.map(({ existing: { metadata }, mirror }) => [
      metadata.name,
      mirror.endpoints[0]?.addresses,
    ]),
    [["moved", ["10.0.0.9"]]],
  );
  assert.deepEqual(
    plan.remove.map(({ metadata }) => metadata.name),
    ["old"],
  );
  assert.deepEqual(plan.create, []);
});

const PLAIN = { spec: {} } as unknown as Service;
const CASES = [
  ["those of a service without a selector", {}, PLAIN, true],
  ["not those without a service", {}, undefined, false],
  ["not those that a controller makes", {}, { spec: { selector: { a: "b" } } }, false],
  ["not those of an external name", {}, { spec: { type: "ExternalName" } }, false],
  [
    "not those that ask to be left out",
    { labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } },
    PLAIN,
    false,
  ],
  [
    "not those that are a lock",
    { annotations: { "control-plane.alpha.kubernetes.io/leader": "{}" } },
    PLAIN,
    false,
  ],
  ["not those that go", { deletionTimestamp: "2026-01-01T00:00:00Z" }, PLAIN, false],
] as const;

for (const [name, metadata, service, expected] of CASES) {
  test(`isMirrored(): ${name}`, () => {
    const endpoints = { metadata } as unknown as Endpoints;
    assert.equal(isMirrored(endpoints, service as unknown as Service), expected);
  });
}
