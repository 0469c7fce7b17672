/** What clients get that ask for Kubernetes' protobuf, as client-go does, read by another library than our own codec. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { decodeProtobuf, encodeProtobuf, hasProtobuf } from "#codec";
import type { JsonObject } from "#lib/json";
import { apiVersionOf, RESOURCES, type Resource } from "#resources";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { HttpClient, type RawAnswer } from "../harness/http-client.ts";
import { ProtobufClient } from "../harness/protobuf-client.ts";

const TIMEOUT = { timeout: 60_000 };
const PROTOBUF = "application/vnd.kubernetes.protobuf";
/** As client-go sends it. */
const accept = `${PROTOBUF},application/json`;
const MAPS = "/api/v1/namespaces/default/configmaps";
const DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments";
const PODS = "/api/v1/namespaces/default/pods";

let server: TestServer;
let client: HttpClient;
let protobuf: ProtobufClient;

before(async () => {
  server = await startTestServer();
  client = new HttpClient(server);
  protobuf = new ProtobufClient();
  for (const [path, object] of OBJECTS) {
    const made = await create(path, object);
    assert.equal(made.code, 201, made.body.toString());
  }
}, TIMEOUT);

after(async () => {
  client[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
}, TIMEOUT);

const TEMPLATE = {
  metadata: { labels: { app: "web" } },
  spec: {
    containers: [
      {
        name: "c",
        image: "registry.example/app:v1",
        env: [{ name: "A", value: "1" }],
        ports: [{ containerPort: 8080 }],
        resources: { limits: { cpu: "200m", memory: "128Mi" } },
        readinessProbe: { httpGet: { path: "/healthz", port: 8080 }, periodSeconds: 5 },
        securityContext: { runAsUser: 2_000_000_000, privileged: false },
      },
    ],
  },
};
const OBJECTS: readonly (readonly [string, JsonObject])[] = [
  [MAPS, { metadata: { name: "a", labels: { x: "y" } }, data: { k: "v", other: "ö\u{1f600}" } }],
  [MAPS, { metadata: { name: "binary" }, binaryData: { k: "AAECAw==" }, immutable: true }],
  [PODS, { metadata: { name: "p" }, spec: TEMPLATE.spec }],
  [
    DEPLOYMENTS,
    {
      metadata: { name: "web" },
      spec: { replicas: 2, selector: { matchLabels: { app: "web" } }, template: TEMPLATE },
    },
  ],
  ["/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "robot" } }],
];

function create(path: string, object: JsonObject, headers = {}): Promise<RawAnswer> {
  const type = { "content-type": "application/json" };
  return client.ask({
    method: "POST",
    path,
    body: JSON.stringify(object),
    headers: { ...type, ...headers },
  });
}

async function asked(path: string, headers: Record<string, string> = {}): Promise<RawAnswer> {
  return client.ask({ path, headers: { accept, ...headers } });
}

function isProtobuf(answer: RawAnswer, code = 200): void {
  assert.equal(answer.code, code, answer.body.toString("latin1"));
  assert.equal(answer.headers["content-type"], PROTOBUF);
}

/** In protobuf an object within another does not say what it is. */
function withoutKinds(list: JsonObject): JsonObject {
  const items = list["items"] as readonly JsonObject[];
  return { ...list, items: items.map(({ apiVersion: _, kind: __, ...rest }) => rest) };
}

function pathOf({ group, plural, version }: Resource): string {
  return group === "" ? `/api/${version}/${plural}` : `/apis/${group}/${version}/${plural}`;
}

describe("a list of every kind", TIMEOUT, () => {
  const listed = RESOURCES.filter(({ verbs }) => verbs.includes("list"));
  for (const resource of listed) {
    const { kind, plural } = resource;
    test(`${plural} of ${apiVersionOf(resource)}`, async () => {
      const plain = (await asked(pathOf(resource), { accept: "application/json" })).json();
      const answer = await asked(pathOf(resource));
      if (!hasProtobuf({ apiVersion: apiVersionOf(resource), kind })) {
        assert.equal(answer.headers["content-type"], "application/json");
        return;
      }
      isProtobuf(answer);
      const read = protobuf.read(answer.body);
      assert.equal(`${read.apiVersion} ${read.kind}`, `${apiVersionOf(resource)} ${kind}List`);
      const items = plain["items"] as { metadata: { name: string } }[];
      assert.deepEqual(
        read.message.items.map((item: { metadata: { name: string } }) => item.metadata.name),
        items.map(({ metadata }) => metadata.name),
      );
      const own = decodeProtobuf(answer.body).object as unknown as JsonObject;
      assert.deepEqual(own, withoutKinds(plain as JsonObject));
    });
  }
});

test("GET, and what writes answer", TIMEOUT, async () => {
  const got = await asked(`${PODS}/p`);
  isProtobuf(got);
  const plain = (await asked(`${PODS}/p`, { accept: "application/json" })).json();
  assert.deepEqual(decodeProtobuf(got.body).object, plain);
  const { message } = protobuf.read(got.body);
  const [container] = message.spec.containers;
  assert.equal(container.securityContext.runAsUser, 2_000_000_000n);
  assert.equal(container.resources.limits["memory"].string, "128Mi");

  const object = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "typed" },
    data: { a: "1" },
  };
  const headers = { accept, "content-type": PROTOBUF };
  const created = await client.ask({
    method: "POST",
    path: MAPS,
    headers,
    body: encodeProtobuf(object as never),
  });
  isProtobuf(created, 201);
  const next = decodeProtobuf(created.body).object as unknown as JsonObject;
  const updated = await client.ask({
    method: "PUT",
    path: `${MAPS}/typed`,
    headers,
    body: encodeProtobuf({ ...next, data: { a: "2" } } as never),
  });
  isProtobuf(updated);
  assert.deepEqual(protobuf.read(updated.body).message.data, { a: "2" });
  const patched = await client.ask({
    method: "PATCH",
    path: `${MAPS}/typed`,
    headers: { accept, "content-type": "application/merge-patch+json" },
    body: '{"data":{"a":"3"}}',
  });
  isProtobuf(patched);
  assert.deepEqual(protobuf.read(patched.body).message.data, { a: "3" });
  const deleted = await client.ask({
    method: "DELETE",
    path: `${MAPS}/typed`,
    headers,
    body: encodeProtobuf({
      apiVersion: "v1",
      kind: "DeleteOptions",
      propagationPolicy: "Background",
    } as never),
  });
  isProtobuf(deleted);
  const status = protobuf.read(deleted.body);
  assert.equal(`${status.kind} ${status.message.status}`, "Status Success");
});

test("failures", TIMEOUT, async () => {
  const missing = await asked(`${PODS}/nobody`);
  isProtobuf(missing, 404);
  const { kind, message } = protobuf.read(missing.body);
  assert.equal(`${kind} ${message.reason} ${message.code}`, "Status NotFound 404");
  assert.equal(message.details.name, "nobody");
});

test("sub-resources", TIMEOUT, async () => {
  const scale = await asked(`${DEPLOYMENTS}/web/scale`);
  isProtobuf(scale);
  const read = protobuf.read(scale.body);
  assert.equal(`${read.apiVersion} ${read.kind}`, "autoscaling/v1 Scale");
  assert.equal(read.message.spec.replicas, 2);
  const headers = { accept, "content-type": PROTOBUF };
  const { object } = decodeProtobuf(scale.body) as { object: unknown };
  const body = encodeProtobuf({ ...(object as object), spec: { replicas: 3 } } as never);
  const path = `${DEPLOYMENTS}/web/scale`;
  const scaled = await client.ask({ method: "PUT", path, headers, body });
  isProtobuf(scaled);
  assert.equal(protobuf.read(scaled.body).message.spec.replicas, 3);

  const request = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} };
  const token = await client.ask({
    method: "POST",
    path: "/api/v1/namespaces/default/serviceaccounts/robot/token",
    headers,
    body: encodeProtobuf(request as never),
  });
  isProtobuf(token, 201);
  assert.match(protobuf.read(token.body).message.status.token, /^ey/);

  await create(PODS, { metadata: { name: "goes" }, spec: TEMPLATE.spec });
  const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "goes" } };
  const evicted = await client.ask({
    method: "POST",
    path: `${PODS}/goes/eviction`,
    headers,
    body: encodeProtobuf(eviction as never),
  });
  isProtobuf(evicted, 201);
  assert.equal(protobuf.read(evicted.body).message.status, "Success");
});

test("metadata alone", TIMEOUT, async () => {
  const partial = `${PROTOBUF};as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json`;
  const one = protobuf.read((await asked(`${MAPS}/a`, { accept: partial })).body);
  assert.equal(`${one.apiVersion} ${one.kind}`, "meta.k8s.io/v1 PartialObjectMetadata");
  assert.deepEqual(one.message.metadata.labels, { x: "y" });
  const list = protobuf.read((await asked(MAPS, { accept: partial })).body);
  assert.equal(list.kind, "PartialObjectMetadataList");
  assert.ok(list.message.items.length >= 2);
  const older = protobuf.read(
    (await asked(MAPS, { accept: partial.replace("v=v1", "v=v1beta1") })).body,
  );
  assert.equal(older.apiVersion, "meta.k8s.io/v1beta1");
});

test("watches", TIMEOUT, async () => {
  const watching = `${PROTOBUF};stream=watch,application/json;stream=watch`;
  const query = "watch=1&timeoutSeconds=2&resourceVersionMatch=NotOlderThan&sendInitialEvents=1";
  const path = `${MAPS}?${query}&allowWatchBookmarks=1&labelSelector=x%3Dy`;
  const response = await client.open({ path, headers: { accept: watching } });
  assert.equal(response.headers["content-type"], `${PROTOBUF};stream=watch`);
  const headers = { "content-type": "application/merge-patch+json" };
  await client.ask({ method: "PATCH", path: `${MAPS}/a`, headers, body: '{"data":{"k":"w"}}' });
  await client.ask({
    method: "PATCH",
    path: `${MAPS}/a`,
    headers,
    body: '{"metadata":{"labels":null}}',
  });
  const events = protobuf.readFrames(Buffer.concat(await response.toArray()));
  assert.deepEqual(
    events.map(({ object, type }) => `${type} ${object.kind} ${object.message.metadata.name}`),
    ["ADDED ConfigMap a", "BOOKMARK ConfigMap ", "MODIFIED ConfigMap a", "DELETED ConfigMap a"],
  );
  assert.equal(events[1]?.object.message.metadata.annotations["k8s.io/initial-events-end"], "true");
  assert.equal(events[2]?.object.message.data["k"], "w");

  const metadata = `${PROTOBUF};as=PartialObjectMetadata;g=meta.k8s.io;v=v1;stream=watch`;
  const partial = protobuf.readFrames((await asked(path, { accept: metadata })).body);
  assert.deepEqual(
    partial.map(({ object }) => object.kind),
    ["PartialObjectMetadata"],
  );
});

describe("what is chosen", TIMEOUT, () => {
  const table = "application/json;as=Table;v=v1;g=meta.k8s.io";
  const rows: readonly (readonly [string, string, number, string])[] = [
    [MAPS, "*/*", 200, "application/json"],
    [MAPS, `application/json;q=0.5, ${PROTOBUF}`, 200, PROTOBUF],
    [MAPS, `${PROTOBUF};q=0, application/json`, 200, "application/json"],
    [MAPS, `application/*;q=0.5, ${PROTOBUF};q=0.6`, 200, PROTOBUF],
    [MAPS, `${PROTOBUF};as=Table;v=v1;g=meta.k8s.io, ${table}`, 200, "application/json"],
    [MAPS, "application/yaml", 200, "application/yaml"],
    [MAPS, "application/cbor, application/json", 200, "application/json"],
    [MAPS, "text/html", 406, "application/json"],
    [MAPS, `${PROTOBUF};as=Other;v=v1;g=meta.k8s.io`, 406, "application/json"],
    [`${MAPS}?watch=1&timeoutSeconds=1`, "application/yaml", 406, "application/yaml"],
    ["/apis/apiextensions.k8s.io/v1/customresourcedefinitions", accept, 200, "application/json"],
    ["/apis/apiextensions.k8s.io/v1/customresourcedefinitions", PROTOBUF, 406, PROTOBUF],
    ["/api", PROTOBUF, 200, PROTOBUF],
    ["/apis", "text/html", 406, "application/json"],
  ];
  for (const [path, wanted, code, type] of rows) {
    test(`${code} ${type} for ${wanted} at ${path}`, async () => {
      const answer = await asked(path, { accept: wanted });
      assert.equal(answer.code, code, answer.body.toString());
      assert.equal(answer.headers["content-type"], type);
    });
  }

  test("406 names what there is", async () => {
    const answer = await asked(MAPS, { accept: "text/html" });
    assert.equal(
      answer.json()["message"],
      `only the following media types are accepted: application/json, application/yaml, ${PROTOBUF}`,
    );
  });
});

test("discovery", TIMEOUT, async () => {
  const list = protobuf.read((await asked("/apis/apps/v1")).body);
  assert.equal(list.kind, "APIResourceList");
  assert.ok(list.message.resources.length > 3);
  const aggregated = `${PROTOBUF};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`;
  const answer = await asked("/apis", { accept: aggregated });
  assert.equal(answer.headers["content-type"], aggregated);
  const groups = protobuf.read(answer.body);
  assert.equal(
    `${groups.apiVersion} ${groups.kind}`,
    "apidiscovery.k8s.io/v2 APIGroupDiscoveryList",
  );
  const etag = answer.headers.etag ?? "";
  const again = await asked("/apis", { accept: aggregated, "if-none-match": etag });
  assert.equal(again.code, 304);
});
