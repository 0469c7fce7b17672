/** Capabilities of api-machinery that hang on the server alone: discovery, tables, chunks, watches, field validation. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { JsonObject, JsonValue } from "#lib/json";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { type RawAnswer, type RawClient, rawClient } from "../harness/raw-http.ts";

const TIMEOUT = { timeout: 30_000 };
const MAPS = "/api/v1/namespaces/default/configmaps";
const MERGE = "application/merge-patch+json";

let server: TestServer;
let client: RawClient;

before(async () => {
  server = await startTestServer();
  const { admin, authority } = server;
  const keys = { ca: authority.certificate, cert: admin.certificate, key: admin.key };
  client = rawClient({ host: "127.0.0.1", port: server.server.restPort, ...keys });
  for (const name of ["a", "b", "c", "d", "e"])
    await post(MAPS, { metadata: { name, labels: { list: "yes" } } });
}, TIMEOUT);

after(async () => {
  client.close();
  await server[Symbol.asyncDispose]();
}, TIMEOUT);

function post(path: string, body: JsonObject): Promise<RawAnswer> {
  return client.ask({
    method: "POST",
    path,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

/** As much of an answer as these tests look at. */
interface Json {
  readonly kind: string;
  readonly name: string;
  readonly major: string;
  readonly minor: string;
  readonly resource: string;
  readonly scope: string;
  readonly groupVersion: string;
  readonly resourceVersion: string;
  readonly continue: string;
  readonly remainingItemCount?: number;
  readonly metadata: Json;
  readonly object: Json;
  readonly preferredVersion: Json;
  readonly groups: readonly Json[];
  readonly versions: readonly Json[];
  readonly resources: readonly Json[];
  readonly items: readonly Json[];
  readonly rows: readonly Json[];
  readonly columnDefinitions: readonly Json[];
}

async function get(path: string, headers: Record<string, string> = {}): Promise<Json> {
  const { code, text } = await client.ask({ path, headers });
  assert.equal(code, 200, text);
  return JSON.parse(text) as Json;
}

test("/version has numbers alone for major and minor", TIMEOUT, async () => {
  const { major, minor } = await get("/version");
  assert.match(major, /^\d+$/);
  assert.match(minor, /^\d+$/);
});

test(
  "legacy discovery: every group has a preferred version, and every version a resource",
  TIMEOUT,
  async () => {
    const { groups } = await get("/apis");
    assert.ok(groups.length > 10);
    for (const group of groups) {
      const versions = group.versions.map((each) => each.groupVersion);
      assert.ok(versions.includes(group.preferredVersion.groupVersion));
      for (const version of versions)
        assert.ok((await get(`/apis/${version}`)).resources.length > 0, version);
    }
  },
);

for (const version of ["v2", "v2beta1"])
  test(`aggregated discovery in ${version}`, TIMEOUT, async () => {
    const accept = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
    const { items, kind } = await get("/apis", { accept });
    assert.equal(kind, "APIGroupDiscoveryList");
    const apps = items.find((item) => item.metadata.name === "apps");
    const resources = apps?.versions[0]?.resources ?? [];
    assert.ok(
      resources.some((each) => each.resource === "deployments" && each.scope === "Namespaced"),
    );
  });

test(
  "table transformation: rows with columns and partial metadata; 406 for what has none",
  TIMEOUT,
  async () => {
    const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    const table = await get(MAPS, { accept });
    assert.equal(table.kind, "Table");
    assert.equal(table.columnDefinitions[0]?.name, "Name");
    assert.equal(table.rows[0]?.object.kind, "PartialObjectMetadata");
    const review = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { nonResourceAttributes: { path: "/", verb: "get" } },
    };
    const refused = await client.ask({
      method: "POST",
      path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
      headers: { accept, "content-type": "application/json" },
      body: JSON.stringify(review),
    });
    assert.equal(refused.code, 406, refused.text);
  },
);

test("list chunking: one version over all pages, and how many are left", TIMEOUT, async () => {
  const path = `${MAPS}?labelSelector=list%3Dyes`;
  const first = await get(`${MAPS}?limit=2`);
  assert.equal(first.metadata.remainingItemCount, 3);
  await post(MAPS, { metadata: { name: "between" } });
  const token = encodeURIComponent(first.metadata.continue);
  const rest = await get(`${MAPS}?limit=10&continue=${token}`);
  assert.equal(rest.metadata.resourceVersion, first.metadata.resourceVersion);
  assert.deepEqual(
    rest.items.map((item) => item.metadata.name),
    ["c", "d", "e"],
  );
  assert.equal((await get(`${path}&limit=2`)).metadata.remainingItemCount, undefined);
});

test(
  "watch: a label that changes is a deletion to who chose by it, and an addition to others",
  TIMEOUT,
  async () => {
    const { metadata } = await get(MAPS);
    const since = metadata.resourceVersion;
    const patch = (labels: JsonValue) =>
      client.ask({
        method: "PATCH",
        path: `${MAPS}/a`,
        headers: { "content-type": MERGE },
        body: JSON.stringify({ metadata: { labels } }),
      });
    await patch({ list: "no" });
    await patch({ list: "yes" });
    const events = async (selector: string): Promise<readonly string[]> => {
      const path = `${MAPS}?watch=1&timeoutSeconds=1&resourceVersion=${since}&labelSelector=${selector}`;
      const { text } = await watched(path);
      return text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).type);
    };
    assert.deepEqual(await events("list%3Dyes"), ["DELETED", "ADDED"]);
    assert.deepEqual(await events("list%3Dno"), ["ADDED", "DELETED"]);
    assert.deepEqual(await events("list"), ["MODIFIED", "MODIFIED"]);
  },
);

test(
  "watch: concurrent watches see one order, and each can go on where another stopped",
  TIMEOUT,
  async () => {
    const { metadata } = await get(MAPS);
    const since = metadata.resourceVersion;
    for (let at = 0; at < 10; at++) await post(MAPS, { metadata: { name: `order-${at}` } });
    const versions = async (from: string): Promise<readonly string[]> => {
      const { text } = await watched(`${MAPS}?watch=1&timeoutSeconds=1&resourceVersion=${from}`);
      return text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).object.metadata.resourceVersion);
    };
    const [one = [], two] = await Promise.all([versions(since), versions(since)]);
    assert.equal(one.length, 10);
    assert.deepEqual(two, one);
    assert.deepEqual(await versions(one[4] ?? ""), one.slice(5));
  },
);

const BODIES: readonly (readonly [name: string, body: string, told: RegExp])[] = [
  ["unknown", '{"metadata":{"name":"v"},"datum":{}}', /unknown field \\?"datum\\?"/],
  [
    "unknown in metadata",
    '{"metadata":{"name":"v","colour":1}}',
    /unknown field \\?"metadata.colour\\?"/,
  ],
  ["duplicate", '{"metadata":{"name":"v"},"data":{},"data":{}}', /duplicate field \\?"data\\?"/],
];

for (const [name, body, told] of BODIES)
  test(
    `server-side field validation: ${name} fields are refused, warned of, or passed over`,
    TIMEOUT,
    async () => {
      const ask = (how: string) =>
        client.ask({
          method: "POST",
          path: `${MAPS}?dryRun=All&fieldValidation=${how}`,
          headers: { "content-type": "application/json" },
          body,
        });
      const strict = await ask("Strict");
      assert.equal(strict.code, 400);
      assert.match(strict.text, told);
      assert.equal((await ask("Warn")).code, 201);
      assert.equal((await ask("Ignore")).code, 201);
    },
  );

/** All that a watch says until its time is over. */
function watched(path: string): Promise<RawAnswer> {
  return client.ask({ path, whole: true });
}
