import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node } from "#proto/core/v1";
import { cidr, ipv4 } from "./ipv4.ts";
import { planRoutes, routesToNodes } from "./routes.ts";

const node = (name: string, podCIDR: string | undefined, ip: string | undefined): Node =>
  ({
    metadata: { name },
    spec: { podCIDR },
    status: { addresses: ip === undefined ? [] : [{ type: "InternalIP", address: ip }] },
  }) as unknown as Node;

test("routesToNodes() leads to all other nodes that are ready for it", () => {
  const routes = routesToNodes(
    [
      node("own", "10.244.1.0/24", "10.88.0.11"),
      node("other", "10.244.2.0/24", "10.88.0.12"),
      node("no-range", undefined, "10.88.0.13"),
      node("no-address", "10.244.4.0/24", undefined),
      node("nonsense", "10.244.x.0/24", "10.88.0.15"),
    ],
    "own",
  );
  assert.deepEqual(routes, [{ destination: cidr("10.244.2.0/24"), gateway: ipv4("10.88.0.12") }]);
});

const to2 = { destination: cidr("10.244.2.0/24"), gateway: ipv4("10.88.0.12") };
const cases = [
  {
    name: "adds what is missing",
    wanted: [to2],
    existing: [],
    steps: ["set route to 10.244.2.0/24 via 10.88.0.12"],
  },
  { name: "leaves what is right", wanted: [to2], existing: [{ ...to2, index: 3 }], steps: [] },
  {
    name: "moves what leads elsewhere",
    wanted: [to2],
    existing: [{ ...to2, gateway: 1, index: 3 }],
    steps: ["set route to 10.244.2.0/24 via 10.88.0.12"],
  },
  {
    name: "removes what nobody has",
    wanted: [],
    existing: [to2],
    steps: ["remove route to 10.244.2.0/24"],
  },
  {
    name: "leaves another cluster's",
    wanted: [],
    existing: [{ destination: cidr("10.245.1.0/24"), gateway: ipv4("10.89.0.11") }],
    steps: [],
  },
  {
    name: "leaves pods' own routes",
    wanted: [],
    existing: [{ destination: cidr("10.244.1.2/32") }],
    steps: [],
  },
];

for (const c of cases) {
  test(`planRoutes() ${c.name}`, () => {
    assert.deepEqual(
      planRoutes({ ...c, clusterCidr: cidr("10.244.0.0/16") }).map((step) => step.what),
      c.steps,
    );
  });
}
