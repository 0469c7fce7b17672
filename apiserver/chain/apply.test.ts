import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import { configMaps, deployments, type Resource } from "#resources";
import { type TestCoreOptions, TestCores } from "../test-core.ts";

const cores = new TestCores();
after(() => cores.close());

async function newApi(allowed?: TestCoreOptions["allowed"]) {
  const core = await cores.open(allowed === undefined ? {} : { allowed });
  return core.as({ name: "eve", groups: [] });
}

type Api = Awaited<ReturnType<typeof newApi>>;

interface How {
  readonly fieldManager?: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly subresource?: string;
}

function apply(api: Api, resource: Resource, body: JsonObject, how: How = {}) {
  const { name = "m" } = (body["metadata"] ?? {}) as { readonly name?: string };
  const { dryRun = false, fieldManager = "me", force = false, subresource } = how;
  const route = subresource === undefined ? {} : { subresource };
  const target = { resource, namespace: "default", name, ...route };
  return api.patch(target, { type: "apply", body, force }, { fieldManager, dryRun });
}

function config(data: JsonObject, metadata: JsonObject = {}): JsonObject {
  return { metadata: { name: "m", ...metadata }, data };
}

const labels = { app: "web" };
const DEPLOYMENT = {
  metadata: { name: "web" },
  spec: {
    replicas: 2,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: "c", image: "x" }] } },
  },
};

function scale(replicas: number): JsonObject {
  return {
    apiVersion: "autoscaling/v1",
    kind: "Scale",
    metadata: { name: "web" },
    spec: { replicas },
  };
}

function refusedFor(reason: string, why: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof StatusError, String(error));
    assert.equal(error.reason, reason);
    assert.match(error.message, why);
    return true;
  };
}

test("the scale is applied to the parent, which others may own", async () => {
  const api = await newApi();
  await apply(api, deployments, DEPLOYMENT);
  const how = { fieldManager: "scaler", subresource: "scale" };
  await assert.rejects(
    apply(api, deployments, scale(5), how),
    refusedFor("Conflict", /^Apply failed with 1 conflict: conflict with "me": \.spec\.replicas$/),
  );
  const scaled = await apply(api, deployments, scale(5), { ...how, force: true });
  assert.deepEqual((scaled as unknown as { spec: object }).spec, { replicas: 5 });
  await assert.rejects(
    apply(api, deployments, DEPLOYMENT),
    refusedFor("Conflict", /conflict with "scaler" with subresource "scale": \.spec\.replicas$/),
  );
  const { replicas: _, ...spec } = DEPLOYMENT.spec;
  const kept = await apply(api, deployments, { ...DEPLOYMENT, spec });
  assert.equal((kept as unknown as { spec: { replicas: number } }).spec.replicas, 5);
});

test("what is not there is created, by those who may, and not on a sub-resource", async () => {
  const api = await newApi(({ verb }) => verb !== "create");
  await assert.rejects(apply(api, configMaps, config({})), refusedFor("Forbidden", /create/));
  const free = await newApi();
  await assert.rejects(
    apply(free, deployments, { metadata: { name: "web" } }, { subresource: "status" }),
    refusedFor("NotFound", /"web" not found/),
  );
  const gone = config({}, { uid: "of-another" });
  await assert.rejects(apply(free, configMaps, gone), refusedFor("NotFound", /"m" not found/));
});

test("a dry run says what would be, and writes nothing", async () => {
  const api = await newApi();
  const dry = await apply(api, configMaps, config({ a: "1" }), { dryRun: true });
  assert.deepEqual((dry as unknown as { data: object }).data, { a: "1" });
  await assert.rejects(
    api.get({ resource: configMaps, namespace: "default", name: "m" }),
    refusedFor("NotFound", /not found/),
  );
});

test("a configuration names its manager, no owners, and the version it knows if any", async () => {
  const api = await newApi();
  const made = await apply(api, configMaps, config({ a: "1" }));
  await assert.rejects(
    apply(api, configMaps, config({}), { fieldManager: "" }),
    refusedFor("Invalid", /fieldManager: Required value: is required for apply patch/),
  );
  const owners = config({}, { managedFields: [] });
  await assert.rejects(
    apply(api, configMaps, owners),
    refusedFor("BadRequest", /metadata\.managedFields must be nil/),
  );
  const { resourceVersion = "" } = made.metadata;
  await apply(api, configMaps, config({ a: "2" }, { resourceVersion }));
  await assert.rejects(
    apply(api, configMaps, config({ a: "3" }, { resourceVersion })),
    refusedFor("Conflict", /the object has been modified/),
  );
});
