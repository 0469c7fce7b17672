/** The primitives that every lifecycle test of Kubernetes' conformance hangs on, for each kind that is kept. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Transport } from "#client";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { ApiObject } from "#proto";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { type RawAnswer, type RawClient, rawClient } from "../harness/raw-http.ts";
import { pathOf, type Sample, sampleOf, samples } from "../harness/samples.ts";

const TIMEOUT = { timeout: 30_000 };
const NAME = "sample";

let server: TestServer;
let client: RawClient;

before(async () => {
  server = await startTestServer();
  const { admin, authority } = server;
  client = rawClient({
    host: "127.0.0.1",
    port: server.server.restPort,
    ca: authority.certificate,
    cert: admin.certificate,
    key: admin.key,
  });
}, TIMEOUT);

after(async () => {
  client.close();
  await server[Symbol.asyncDispose]();
}, TIMEOUT);

async function ask(
  method: string,
  path: string,
  body?: object,
  type = "application/json",
): Promise<JsonObject> {
  const answer = await raw(method, path, body, type);
  assert.ok(answer.code < 300, `${method} ${path}: ${answer.text}`);
  return JSON.parse(answer.text) as JsonObject;
}

function raw(
  method: string,
  path: string,
  body?: object,
  type = "application/json",
): Promise<RawAnswer> {
  const headers = { "content-type": type };
  return client.ask({
    method,
    path,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

function metaOf(object: JsonObject): ApiObject["metadata"] {
  return (object as unknown as ApiObject).metadata;
}

/** Names of the items of a list. */
function namesIn(list: JsonObject): readonly (string | undefined)[] {
  return (list["items"] as readonly JsonObject[]).map((item) => metaOf(item).name);
}

for (const sample of samples) {
  const { group, kind, namespaced, plural, version } = sample.resource;
  const title = `${group === "" ? "core" : group}/${version} ${kind}`;
  const path = pathOf(sample.resource);

  test(`${title}: create, get, list, replace, conflict`, TIMEOUT, async () => {
    const made = await ask("POST", path, withLabel(sampleOf(sample, NAME)));
    assert.equal(metaOf(made).name, NAME);
    assert.ok(metaOf(made).uid && metaOf(made).resourceVersion && metaOf(made).creationTimestamp);
    assert.equal((await raw("POST", path, sampleOf(sample, NAME))).code, 409);
    const read = await ask("GET", `${path}/${NAME}`);
    assert.deepEqual([read["kind"], metaOf(read).uid], [kind, metaOf(made).uid]);
    assert.deepEqual(namesIn(await ask("GET", `${path}?labelSelector=own%3Dsample`)), [NAME]);
    if (namespaced) {
      const all = path.replace("/namespaces/default", "");
      assert.deepEqual(namesIn(await ask("GET", `${all}?labelSelector=own%3Dsample`)), [NAME]);
    }
    const changed = { ...read, metadata: { ...metaOf(read), annotations: { by: "put" } } };
    const replaced = await ask("PUT", `${path}/${NAME}`, changed);
    assert.equal(metaOf(replaced).annotations?.["by"], "put");
    assert.equal((await raw("PUT", `${path}/${NAME}`, changed)).code, 409);
  });

  test(`${title}: patches of all kinds, and status apart`, TIMEOUT, async () => {
    const annotate = (by: string) => ({ metadata: { annotations: { by } } });
    for (const type of ["merge-patch+json", "strategic-merge-patch+json"]) {
      const patched = await ask("PATCH", `${path}/${NAME}`, annotate(type), `application/${type}`);
      assert.equal(metaOf(patched).annotations?.["by"], type);
    }
    const operations = [{ op: "replace", path: "/metadata/annotations/by", value: "json" }];
    const patched = await ask(
      "PATCH",
      `${path}/${NAME}`,
      operations,
      "application/json-patch+json",
    );
    assert.equal(metaOf(patched).annotations?.["by"], "json");
    if (!sample.resource.subresources.some((each) => each.name === "status")) return;
    const status = await ask("GET", `${path}/${NAME}/status`);
    assert.equal(metaOf(status).name, NAME);
    const written = await ask(
      "PATCH",
      `${path}/${NAME}/status`,
      { spec: null },
      "application/merge-patch+json",
    );
    assert.deepEqual(written["spec"], status["spec"]);
    assert.equal(metaOf(written).generation, metaOf(status).generation);
    await ask("PUT", `${path}/${NAME}/status`, written);
  });

  test(`${title}: watch from a version, delete, deletecollection by label`, TIMEOUT, async () => {
    const { metadata } = (await ask("GET", path)) as unknown as {
      readonly metadata: { readonly resourceVersion: string };
    };
    const events = watch(sample, metadata.resourceVersion);
    for (const name of ["one", "two", "kept"]) {
      const object = sampleOf(sample, name);
      await ask("POST", path, name === "kept" ? object : withLabel(object));
    }
    const grace = "gracePeriodSeconds=0";
    await ask("DELETE", `${path}/${NAME}?${grace}`);
    if (sample.resource.verbs.includes("deletecollection"))
      await ask("DELETE", `${path}?labelSelector=own%3Dsample&${grace}`);
    assert.deepEqual(await events, ["ADDED one", "ADDED two", "ADDED kept"]);
    if (plural === "namespaces") return;
    await withoutFinalizers(path);
    const left = namesIn(await ask("GET", path));
    assert.ok(left.includes("kept") && !left.includes("one") && !left.includes(NAME), left.join());
    await ask("DELETE", `${path}/kept?${grace}`);
    await withoutFinalizers(path);
    assert.equal((await raw("GET", `${path}/kept`)).code, 404);
  });
}

function withLabel(object: JsonObject): JsonObject {
  return {
    ...object,
    metadata: { ...metaOf(object), labels: { own: "sample" } },
  } as unknown as JsonObject;
}

/** The first three additions, through the server's own door. */
async function watch({ resource }: Sample, resourceVersion: string): Promise<readonly string[]> {
  const api: Transport = server.server.core.as({ name: "admin", groups: ["system:masters"] });
  const stop = new AbortController();
  const seen: string[] = [];
  const target = { resource, ...(resource.namespaced ? { namespace: "default" } : {}) };
  try {
    for await (const event of api.watch(target, { resourceVersion }, stop.signal)) {
      if (event.type === "ADDED") seen.push(`${event.type} ${event.object.metadata.name}`);
      if (seen.length === 3) break;
    }
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
  }
  stop.abort();
  return seen;
}

/** Where no controller runs, nobody takes them away. */
async function withoutFinalizers(path: string): Promise<void> {
  const { items } = (await ask("GET", path)) as unknown as { readonly items: readonly ApiObject[] };
  for (const { metadata } of items)
    if (metadata.deletionTimestamp !== undefined)
      await raw(
        "PATCH",
        `${path}/${metadata.name}`,
        { metadata: { finalizers: null } },
        "application/merge-patch+json",
      );
}
