import assert from "node:assert/strict";
import { test } from "node:test";
import type { Service } from "#proto/core/v1";
import type { EndpointSlice } from "#proto/discovery/v1";
import { serviceProblem } from "./service-check.ts";

const REFERENCE = { namespace: "ns", name: "svc", port: 443 };

function service(spec: object): Service {
  return { metadata: { name: "svc" }, spec } as unknown as Service;
}

function slice(ports: object[], endpoints: object[]): EndpointSlice {
  return { metadata: { name: "s" }, ports, endpoints } as unknown as EndpointSlice;
}

const HTTPS = service({ ports: [{ name: "https", port: 443 }] });
const READY = { addresses: ["10.0.0.1"] };
const UNREADY = { addresses: ["10.0.0.1"], conditions: { ready: false } };
const PORT = { name: "https", port: 8443 };

const ROWS: readonly (readonly [string, Service | undefined, readonly EndpointSlice[], string?])[] =
  [
    ["no service", undefined, [], "ServiceNotFound"],
    ["another port", service({ ports: [{ port: 80 }] }), [], "ServicePortError"],
    ["no slices", HTTPS, [], "EndpointsNotFound"],
    ["nobody in them", HTTPS, [slice([PORT], [])], "MissingEndpoints"],
    ["nobody who is ready", HTTPS, [slice([PORT], [UNREADY])], "MissingEndpoints"],
    [
      "another port's endpoints",
      HTTPS,
      [slice([{ name: "x", port: 1 }], [READY])],
      "MissingEndpoints",
    ],
    ["one who is ready", HTTPS, [slice([PORT], [UNREADY]), slice([PORT], [UNREADY, READY])]],
    ["a service of another type", service({ type: "ExternalName", externalName: "x" }), []],
  ];

for (const [what, found, slices, reason] of ROWS) {
  test(`serviceProblem() with ${what}: ${reason ?? "none"}`, () => {
    assert.equal(serviceProblem(REFERENCE, found, slices)?.reason, reason);
  });
}
