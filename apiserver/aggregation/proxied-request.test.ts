import assert from "node:assert/strict";
import { test } from "node:test";
import { StatusError } from "#lib/status-error";
import { type ProxiedRequest, proxiedPath, proxiedRequest } from "./proxied-request.ts";

const BASE = "/apis/g.example.com/v1";

const READ: readonly (readonly [string, ProxiedRequest])[] = [
  [`GET ${BASE}`, { path: BASE, verb: "get" }],
  [`GET ${BASE}/`, { path: `${BASE}/`, verb: "get" }],
  [`GET /openapi/v3${BASE}?hash=1`, { path: `/openapi/v3${BASE}`, verb: "get" }],
  [`GET ${BASE}/foos`, { verb: "list", plural: "foos" }],
  [`HEAD ${BASE}/foos/a`, { verb: "get", plural: "foos", name: "a" }],
  [`GET ${BASE}/foos?watch=true`, { verb: "watch", plural: "foos" }],
  [`GET ${BASE}/foos?watch`, { verb: "watch", plural: "foos" }],
  [`GET ${BASE}/foos?watch=false`, { verb: "list", plural: "foos" }],
  [`GET ${BASE}/watch/namespaces/n/foos`, { verb: "watch", namespace: "n", plural: "foos" }],
  [`POST ${BASE}/namespaces/n/foos`, { verb: "create", namespace: "n", plural: "foos" }],
  [
    `PUT ${BASE}/namespaces/n/foos/a/status`,
    { verb: "update", namespace: "n", plural: "foos", name: "a", subresource: "status" },
  ],
  [`PATCH ${BASE}/foos/a`, { verb: "patch", plural: "foos", name: "a" }],
  [`DELETE ${BASE}/foos/a%3Ab`, { verb: "delete", plural: "foos", name: "a:b" }],
  [
    `DELETE ${BASE}/foos?fieldSelector=metadata.name%3Da`,
    { verb: "deletecollection", plural: "foos", name: "a", fieldSelector: "metadata.name=a" },
  ],
  [
    `GET ${BASE}/foos?fieldSelector=spec.a%3Db`,
    { verb: "list", plural: "foos", fieldSelector: "spec.a=b" },
  ],
  [`POST ${BASE}/foos?fieldSelector=metadata.name%3Da`, { verb: "create", plural: "foos" }],
  [`GET ${BASE}/namespaces/n`, { verb: "get", plural: "namespaces", namespace: "n", name: "n" }],
  [
    `PUT ${BASE}/namespaces/n/status`,
    { verb: "update", plural: "namespaces", namespace: "n", name: "n", subresource: "status" },
  ],
  [
    `GET ${BASE}/namespaces/n/foos/a/proxy/x%2Fy//z`,
    { verb: "get", namespace: "n", plural: "foos", name: "a", subresource: "proxy" },
  ],
];

function read(request: string): ProxiedRequest {
  const [method = "", url = ""] = request.split(" ");
  const [path = "", query = ""] = url.split("?");
  return proxiedRequest(path, method, new URLSearchParams(query));
}

for (const [request, expected] of READ) {
  test(`proxiedRequest() reads ${request}`, () => {
    assert.deepEqual(read(request), expected);
  });
}

const REFUSED = [
  `GET ${BASE}/foos/..`,
  `GET ${BASE}/foos/%2e%2e/secrets`,
  `GET ${BASE}/./foos`,
  `GET ${BASE}//foos`,
  `GET ${BASE}/foos%2Fa`,
  `GET ${BASE}/namespaces/n%2fsecrets/foos`,
  `GET ${BASE}/foos/%zz`,
  `GET ${BASE}/namespaces/n\\..\\m/foos`,
  `GET ${BASE}/namespaces/n%5C..%5Cm/foos`,
  `GET ${BASE}/foos/a/proxy/x\\..\\..\\..\\b`,
  `GET ${BASE}/foos/a/proxy/../../b`,
  `GET ${BASE}/foos#/a`,
  `GET ${BASE}/foos/a%23`,
  `OPTIONS ${BASE}/foos`,
];

for (const request of REFUSED) {
  test(`proxiedRequest() refuses ${request}`, () => {
    assert.throws(() => read(request), StatusError);
  });
}

test("proxiedPath() takes apart what belongs to a group version", () => {
  const parts = { group: "g", version: "v1" };
  assert.deepEqual(proxiedPath("/apis/g/v1"), { ...parts, rest: "" });
  assert.deepEqual(proxiedPath("/apis/g/v1/foos/a"), { ...parts, rest: "/foos/a" });
  assert.deepEqual(proxiedPath("/openapi/v3/apis/g/v1"), { ...parts, rest: "" });
  for (const path of ["/apis", "/apis/g", "/api/v1/pods", "/x/apis/g/v1", "/apis//v1"])
    assert.equal(proxiedPath(path), undefined);
});
