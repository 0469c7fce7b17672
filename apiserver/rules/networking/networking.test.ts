import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "#lib/json";
import {
  ingressClasses,
  ingresses,
  networkPolicies,
  type Resource,
  runtimeClasses,
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

test("a NetworkPolicy that names no directions restricts those that it has rules for, and always what comes in", () => {
  const types = (fields: JsonObject): unknown =>
    (made(networkPolicies, fields)["spec"] as JsonObject)["policyTypes"];
  assert.deepEqual(types({ spec: { podSelector: {} } }), ["Ingress"]);
  assert.deepEqual(types(egressTo({ port: 80 })), ["Ingress", "Egress"]);
  assert.deepEqual(types({ spec: { podSelector: {}, policyTypes: ["Egress"] } }), ["Egress"]);
});
