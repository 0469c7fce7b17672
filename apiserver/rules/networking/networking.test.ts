import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "#lib/json";
import {
  ingressClasses,
  ingresses,
  ipAddresses,
  networkPolicies,
  type Resource,
  runtimeClasses,
  serviceCidrs,
} from "#resources";
import { made, problems, updated } from "../testing.ts";

const service = (port: JsonObject) => ({ service: { name: "s", port } });
const BACKEND = service({ number: 80 });
const rule = (path: JsonObject, host = "a.example.com") => ({
  spec: {
    rules: [
      { host, http: { paths: [{ pathType: "Prefix", path: "/", backend: BACKEND, ...path }] } },
    ],
  },
});

const ingressFrom = (peer: JsonObject) => ({
  spec: { podSelector: {}, ingress: [{ from: [peer] }] },
});
const egressTo = (...ports: readonly JsonObject[]) => ({
  spec: { podSelector: {}, egress: [{ ports }] },
});

const cidrs = (...given: readonly string[]) => ({ spec: { cidrs: given } });
const address = (name: string, parentRef: JsonObject = { resource: "services", name: "s" }) => ({
  metadata: { name },
  spec: { parentRef },
});

const WELL: readonly (readonly [Resource, JsonObject])[] = [
  [ingresses, { spec: { defaultBackend: BACKEND } }],
  [ingresses, rule({})],
  [ingresses, rule({}, "*.example.com")],
  [ingresses, rule({ pathType: "ImplementationSpecific", path: "" })],
  [ingresses, rule({ backend: { resource: { kind: "Bucket", name: "b" } } })],
  [
    ingresses,
    {
      spec: {
        defaultBackend: service({ name: "web" }),
        tls: [{ hosts: ["a.b"], secretName: "t" }],
      },
    },
  ],
  [ingressClasses, { spec: { controller: "example.com/a" } }],
  [ingressClasses, { spec: { controller: "example.com/a", parameters: { kind: "K", name: "n" } } }],
  [networkPolicies, { spec: { podSelector: {} } }],
  [networkPolicies, ingressFrom({ podSelector: {}, namespaceSelector: {} })],
  [networkPolicies, ingressFrom({ ipBlock: { cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] } })],
  [networkPolicies, egressTo({ port: 80, endPort: 90 }, { port: "web", protocol: "UDP" })],
  [serviceCidrs, cidrs("10.97.0.0/24")],
  [serviceCidrs, cidrs("2001:db8::/64", "10.97.0.0/24")],
  [ipAddresses, address("10.96.0.1")],
  [ipAddresses, address("2001:db8::1", { group: "example.com", resource: "gateways", name: "g" })],
  [runtimeClasses, { handler: "kata", overhead: { podFixed: { cpu: "10m" } } }],
];

for (const [resource, fields] of WELL) {
  test(`a ${resource.kind} may be ${JSON.stringify(fields).slice(0, 70)}`, () => {
    assert.deepEqual(problems(resource, fields), []);
  });
}

const PATH = "spec.rules[0].http.paths[0]";
const FROM = "spec.ingress[0].from[0]";
const TO = "spec.egress[0].ports[0]";
const WRONG: readonly (readonly [Resource, JsonObject, string])[] = [
  [
    ingresses,
    { spec: {} },
    "spec: Invalid value: {}: either `defaultBackend` or `rules` must be specified",
  ],
  [
    ingresses,
    rule({}, "1.2.3.4"),
    'spec.rules[0].host: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
  ],
  [ingresses, rule({ path: "a" }), `${PATH}.path: Invalid value: "a": must be an absolute path`],
  [
    ingresses,
    rule({ path: "/a//b" }),
    `${PATH}.path: Invalid value: "/a//b": must not contain '//'`,
  ],
  [
    ingresses,
    rule({ path: "/a/.." }),
    `${PATH}.path: Invalid value: "/a/..": cannot end with '/..'`,
  ],
  [
    ingresses,
    rule({ backend: {} }),
    `${PATH}.backend: Required value: must specify one of service or resource`,
  ],
  [
    ingresses,
    rule({ backend: { ...BACKEND, resource: { kind: "K", name: "n" } } }),
    `${PATH}.backend: Invalid value: "": cannot set both resource and service backends`,
  ],
  [
    ingresses,
    rule({ backend: service({}) }),
    `${PATH}.backend.service.port: Required value: port name or number is required`,
  ],
  [
    ingresses,
    rule({ backend: service({ name: "a", number: 1 }) }),
    `${PATH}.backend.service.port: Invalid value: {"name":"a","number":1}: cannot set both port name & port number`,
  ],
  [
    ingresses,
    {
      metadata: { annotations: { "kubernetes.io/ingress.class": "a" } },
      spec: { ingressClassName: "b", defaultBackend: BACKEND },
    },
    'annotations.kubernetes.io/ingress.class: Invalid value: "a": can not be set when the class field is also set',
  ],
  [ingressClasses, { spec: {} }, "spec.controller: Required value"],
  [
    ingressClasses,
    { spec: { controller: "nginx" } },
    'spec.controller: Invalid value: "nginx": must be a domain-prefixed path (such as "acme.io/foo")',
  ],
  [
    ingressClasses,
    { spec: { controller: "a.b/c", parameters: { kind: "K", name: "n", scope: "Namespace" } } },
    "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'",
  ],
  [networkPolicies, ingressFrom({}), `${FROM}: Required value: must specify a peer`],
  [
    networkPolicies,
    ingressFrom({ podSelector: {}, ipBlock: { cidr: "10.0.0.0/8" } }),
    `${FROM}: Forbidden: may not specify both ipBlock and another peer`,
  ],
  [
    networkPolicies,
    ingressFrom({ ipBlock: { cidr: "10.0.0.0" } }),
    `${FROM}.ipBlock.cidr: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)`,
  ],
  [
    networkPolicies,
    ingressFrom({ ipBlock: { cidr: "10.0.0.0/8", except: ["11.0.0.0/16"] } }),
    `${FROM}.ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of \`cidr\``,
  ],
  [
    networkPolicies,
    egressTo({ port: 80, endPort: 70 }),
    `${TO}.endPort: Invalid value: 70: must be greater than or equal to \`port\``,
  ],
  [
    networkPolicies,
    egressTo({ port: "web", endPort: 70 }),
    `${TO}.endPort: Invalid value: 70: may not be specified when \`port\` is non-numeric`,
  ],
  [serviceCidrs, cidrs(), "spec.cidrs: Required value: at least one CIDR required"],
  [
    serviceCidrs,
    cidrs("10.0.0.0/8", "11.0.0.0/8"),
    'spec.cidrs: Invalid value: ["10.0.0.0/8","11.0.0.0/8"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
  ],
  [
    serviceCidrs,
    cidrs("10.0.0.1/8"),
    'spec.cidrs[0]: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length',
  ],
  [
    serviceCidrs,
    cidrs("10.0.0.0"),
    'spec.cidrs[0]: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
  ],
  [
    ipAddresses,
    address("ten"),
    'metadata.name: Invalid value: "ten": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
  ],
  [
    ipAddresses,
    address("2001:db8:0::1"),
    'metadata.name: Invalid value: "2001:db8:0::1": must be in canonical form ("2001:db8::1")',
  ],
  [ipAddresses, { metadata: { name: "10.0.0.1" } }, "spec.parentRef: Required value"],
  [
    ipAddresses,
    address("10.0.0.1", { resource: "a/b", name: "s" }),
    "spec.parentRef.resource: Invalid value: \"a/b\": may not contain '/' or '%'",
  ],
  [runtimeClasses, {}, "handler: Required value"],
];

for (const [resource, fields, expected] of WRONG) {
  test(`a ${resource.kind} may not be ${JSON.stringify(fields).slice(0, 70)}`, () => {
    assert.deepEqual(problems(resource, fields), [expected]);
  });
}

test("who implements a class does not change", () => {
  const before = made(runtimeClasses, { handler: "a" });
  assert.deepEqual(updated(runtimeClasses, before, { handler: "b" }), [
    'handler: Invalid value: "b": field is immutable',
  ]);
  const spec = { controller: "example.com/a" };
  const old = made(ingressClasses, { spec });
  assert.deepEqual(updated(ingressClasses, old, { spec: { controller: "example.com/b" } }), [
    'spec.controller: Invalid value: "example.com/b": field is immutable',
  ]);
});

test("a range and an address's owner do not change, but a range of the other family may come", () => {
  const immutable = 'spec.cidrs[0]: Invalid value: "11.0.0.0/8": field is immutable';
  const before = cidrs("10.0.0.0/8");
  assert.deepEqual(updated(serviceCidrs, before, cidrs("11.0.0.0/8")), [immutable]);
  assert.deepEqual(updated(serviceCidrs, before, cidrs("10.0.0.0/8", "2001:db8::/64")), []);
  assert.deepEqual(updated(serviceCidrs, cidrs("10.0.0.0/8", "2001:db8::/64"), before), [
    'spec.cidrs: Invalid value: ["10.0.0.0/8"]: field is immutable',
  ]);
  const other = address("10.0.0.1", { resource: "services", name: "other" });
  assert.deepEqual(updated(ipAddresses, address("10.0.0.1"), other), [
    'spec.parentRef: Invalid value: {"resource":"services","name":"other"}: field is immutable',
  ]);
});

test("a NetworkPolicy that names no directions restricts those that it has rules for, and always what comes in", () => {
  const types = (fields: JsonObject): unknown =>
    (made(networkPolicies, fields)["spec"] as JsonObject)["policyTypes"];
  assert.deepEqual(types({ spec: { podSelector: {} } }), ["Ingress"]);
  assert.deepEqual(types(egressTo({ port: 80 })), ["Ingress", "Egress"]);
  assert.deepEqual(types({ spec: { podSelector: {}, policyTypes: ["Egress"] } }), ["Egress"]);
});
