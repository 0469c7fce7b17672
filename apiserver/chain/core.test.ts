import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import {
  configMaps,
  deployments,
  events,
  eventsV1,
  mutatingAdmissionPolicyBindings,
  mutatingAdmissionPolicyBindingsV1Beta1,
  namespaces,
  pods,
  type Resource,
} from "#resources";
import { type TestCoreOptions, TestCores } from "../test-core.ts";

const namespace = "default";

const cores = new TestCores();
after(() => cores.close());

async function newApi(allowed?: TestCoreOptions["allowed"]) {
  const core = await cores.open(allowed === undefined ? {} : { allowed });
  return core.as({ name: "eve", groups: [] });
}

type Api = Awaited<ReturnType<typeof newApi>>;

function at(resource: Resource, name?: string) {
  return { resource, namespace, ...(name === undefined ? {} : { name }) };
}

async function refused(action: Promise<unknown>, reason: string, message: RegExp): Promise<void> {
  await assert.rejects(action, (error: unknown) => {
    assert(error instanceof StatusError, String(error));
    assert.equal(error.reason, reason);
    assert.match(error.message, message);
    return true;
  });
}

function put(api: Api, name: string, fields: JsonObject = {}) {
  return api.create(at(configMaps), { metadata: { name }, ...fields });
}

const POD = { metadata: { name: "p" }, spec: { containers: [{ name: "c", image: "x" }] } };

test("create() fills in what only the server knows, and refuses a taken name", async () => {
  const api = await newApi();
  const { metadata, kind, apiVersion } = await put(api, "a");
  assert.deepEqual([kind, apiVersion, metadata.namespace], ["ConfigMap", "v1", namespace]);
  assert.match(metadata.uid, /^[0-9a-f-]{36}$/);
  assert.match(metadata.creationTimestamp, /^\d{4}-.*Z$/);
  await refused(put(api, "a"), "AlreadyExists", /^configmaps "a" already exists$/);
});

test("create() generates names, and wants one or a base", async () => {
  const api = await newApi();
  const { metadata } = await api.create(at(configMaps), { metadata: { generateName: "web-" } });
  assert.match(metadata.name, /^web-[a-z0-9]{5}$/);
  await refused(api.create(at(configMaps), {}), "Invalid", /name or generateName is required/);
});

test("create() stores nothing in a dry run", async () => {
  const api = await newApi();
  await api.create(at(configMaps), { metadata: { name: "a" } }, { dryRun: true });
  await refused(api.get(at(configMaps, "a")), "NotFound", /configmaps "a" not found/);
});

test("every verb asks the authorizer first, and says what was refused", async () => {
  const api = await newApi(() => false);
  await refused(
    api.get(at(pods, "p")),
    "Forbidden",
    /^pods "p" is forbidden: User "eve" cannot get resource "pods" in API group "" in the namespace "default": no rule$/,
  );
  const target = at(configMaps, "a");
  const signal = new AbortController().signal;
  for (const action of [
    () => api.list(at(configMaps)),
    () => api.create(at(configMaps), {}),
    () => api.update(target, {}),
    () => api.patch(target, { type: "merge", body: {} }),
    () => api.delete(target),
    () => api.deleteCollection(at(configMaps), {}),
    () => api.watch(at(configMaps), {}, signal)[Symbol.asyncIterator]().next(),
    () => api.create({ ...at(pods, "p"), subresource: "binding" }, {}),
    () => api.create({ ...at(pods, "p"), subresource: "eviction" }, {}),
    () => api.get({ ...at(deployments, "d"), subresource: "scale" }),
  ])
    await refused(action(), "Forbidden", /eve/);
});

test("update() compares revisions when it is given one, and else replaces", async () => {
  const api = await newApi();
  const first = await put(api, "a", { data: { v: "1" } });
  const second = await api.update(at(configMaps, "a"), { data: { v: "2" } });
  assert.notEqual(second.metadata.resourceVersion, first.metadata.resourceVersion);
  assert.equal(second.metadata.uid, first.metadata.uid);
  const stale = first as unknown as JsonObject;
  await refused(
    api.update(at(configMaps, "a"), { ...stale, data: { v: "3" } }),
    "Conflict",
    /Operation cannot be fulfilled on configmaps "a": the object has been modified/,
  );
});

test("a write that changes nothing makes no revision", async () => {
  const api = await newApi();
  const first = await put(api, "a", { data: { v: "1" } });
  const again = await api.update(at(configMaps, "a"), first as unknown as JsonObject);
  assert.equal(again.metadata.resourceVersion, first.metadata.resourceVersion);
});

test("patch() applies to what others wrote meanwhile", async () => {
  const api = await newApi();
  await put(api, "a");
  const keys = Array.from({ length: 4 }, (_, i) => `k${i}`);
  await Promise.all(
    keys.map((key) =>
      api.patch(at(configMaps, "a"), { type: "merge", body: { data: { [key]: "" } } }),
    ),
  );
  const found = (await api.get(at(configMaps, "a"))) as unknown as { data: object };
  assert.deepEqual(Object.keys(found.data).toSorted(), keys);
});

test("generation counts changes of the spec only", async () => {
  const api = await newApi();
  const template = { metadata: { labels: { a: "b" } }, spec: POD.spec };
  const spec = { selector: { matchLabels: { a: "b" } }, template };
  await api.create(at(deployments), { metadata: { name: "d" }, spec });
  const target = at(deployments, "d");
  const labelled = await api.patch(target, {
    type: "merge",
    body: { metadata: { labels: { x: "y" } } },
  });
  assert.equal(labelled.metadata.generation, 1);
  const status = { type: "merge", body: { status: { replicas: 1 } } } as const;
  const reported = await api.patch({ ...target, subresource: "status" }, status);
  assert.equal(reported.metadata.generation, 1);
  const scale = { type: "merge", body: { spec: { replicas: 3 } } } as const;
  await api.patch({ ...target, subresource: "scale" }, scale);
  assert.equal((await api.get(target)).metadata.generation, 2);
});

test("finalizers hold an object until the last is gone", async () => {
  const api = await newApi();
  await api.create(at(configMaps), { metadata: { name: "a", finalizers: ["example.com/x"] } });
  const waiting = await api.delete(at(configMaps, "a"));
  assert.notEqual(waiting?.metadata.deletionTimestamp, undefined);
  const free = { type: "merge", body: { metadata: { finalizers: null } } } as const;
  const last = await api.patch(at(configMaps, "a"), free);
  assert.equal(last.metadata.finalizers, undefined);
  assert.equal(last.metadata.uid, waiting?.metadata.uid);
  assert.equal(last.metadata.resourceVersion, waiting?.metadata.resourceVersion);
  await refused(api.get(at(configMaps, "a")), "NotFound", /not found/);
});

test("patch() refuses what would be too large or too deep", async () => {
  const api = await newApi();
  await put(api, "a");
  const text = "x".repeat(1024 * 1024);
  const large = { type: "merge", body: { data: { a: text, b: text, c: text } } } as const;
  await refused(
    api.patch(at(configMaps, "a"), large),
    "RequestEntityTooLarge",
    /^Request entity too large: the patched object is larger than the limit of 3145728 bytes$/,
  );
  const copies = Array.from({ length: 4 }, (_, i) => ({
    op: "copy",
    from: "/data/a",
    path: `/data/${i}`,
  }));
  const copying = [{ op: "add", path: "/data", value: { a: text } }, ...copies];
  await refused(
    api.patch(at(configMaps, "a"), { type: "json", body: copying }),
    "RequestEntityTooLarge",
    /^Request entity too large: operation 3 \(copy \/data\/2\): copies of more than 3145728 bytes/,
  );
  const deep = JSON.parse(`${'{"a":'.repeat(9000)}1${"}".repeat(9000)}`);
  const patches = [
    { type: "merge", body: deep },
    { type: "strategic", body: deep },
    { type: "json", body: [{ op: "add", path: "/data", value: deep }] },
    { type: "apply", body: { data: deep }, force: false },
  ] as const;
  for (const patch of patches) {
    await refused(
      api.patch(at(configMaps, "a"), patch, { fieldManager: "me" }),
      "BadRequest",
      /nests deeper than 500 levels/,
    );
  }
  await refused(api.create(at(configMaps), { data: deep }), "BadRequest", /deeper than 500/);
});

test("delete() checks preconditions, and marks for foreground and orphan", async () => {
  const api = await newApi();
  const { metadata } = await put(api, "a");
  await refused(
    api.delete(at(configMaps, "a"), { preconditions: { uid: "other" } }),
    "Conflict",
    /Precondition failed: UID in precondition: other/,
  );
  const held = await api.delete(at(configMaps, "a"), {
    propagationPolicy: "Foreground",
    preconditions: { uid: metadata.uid },
  });
  assert.deepEqual(held?.metadata.finalizers, ["foregroundDeletion"]);
});

test("bind() gives a pod its node once; deleting it then waits for the node", async () => {
  const api = await newApi();
  await api.create(at(pods), POD);
  const binding = { ...at(pods, "p"), subresource: "binding" };
  await api.create(binding, { target: { name: "n1" } });
  await refused(
    api.create(binding, { target: { name: "n2" } }),
    "Conflict",
    /already assigned to node "n1"/,
  );
  assert.equal((await api.get(at(pods, "p"))).metadata.generation, 1, "its wishes are the same");
  const waiting = await api.delete(at(pods, "p"));
  assert.equal(waiting?.metadata.deletionGracePeriodSeconds, 30);
  assert.equal(waiting?.metadata.generation, 2, "its end is a wish");
  assert.equal(await api.delete(at(pods, "p"), { gracePeriodSeconds: 0 }), undefined);
});

test("a pod without a node goes at once", async () => {
  const api = await newApi();
  await api.create(at(pods), POD);
  assert.equal(await api.delete(at(pods, "p")), undefined);
});

test("deleteCollection() takes what the selector finds", async () => {
  const api = await newApi();
  for (const name of ["a", "b"]) await put(api, name, { metadata: { name, labels: { app: "x" } } });
  await put(api, "c");
  await api.deleteCollection(at(configMaps), { labelSelector: "app=x" });
  const { items } = await api.list(at(configMaps));
  assert.deepEqual(
    items.map((item) => item.metadata.name),
    ["c"],
  );
});

test("deleteCollection() gives each deletion a revision of its own, by which a watch resumes", {
  timeout: 10_000,
}, async () => {
  const api = await newApi();
  const names = ["a", "b", "c"];
  for (const name of names) await put(api, name);
  const { resourceVersion = "" } = await api.list(at(configMaps));
  await api.deleteCollection(at(configMaps), {});
  const first = await nextDeleted(api, resourceVersion);
  const second = await nextDeleted(api, first.resourceVersion);
  const third = await nextDeleted(api, second.resourceVersion);
  assert.deepEqual(
    [first, second, third].map(({ name }) => name),
    names,
  );
});

/** Of a watch that starts there, and is cut off after one event. */
async function nextDeleted(api: Api, resourceVersion: string) {
  const stop = new AbortController();
  try {
    for await (const event of api.watch(at(configMaps), { resourceVersion }, stop.signal)) {
      assert.equal(event.type, "DELETED");
      if (event.type === "DELETED") {
        const { name, resourceVersion: revision = "" } = event.object.metadata;
        return { name, resourceVersion: revision };
      }
    }
  } finally {
    stop.abort();
  }
  throw new Error(`no deletion after revision ${resourceVersion}`);
}

test("list() pages at one revision", async () => {
  const api = await newApi();
  for (const name of ["a", "b", "c"]) await put(api, name);
  const first = await api.list(at(configMaps), { limit: 2 });
  assert.equal(first.remainingItemCount, 1);
  await put(api, "d");
  assert(first.continue !== undefined);
  const rest = await api.list(at(configMaps), { limit: 2, continue: first.continue });
  assert.deepEqual(
    rest.items.map((item) => item.metadata.name),
    ["c"],
  );
  assert.equal(rest.resourceVersion, first.resourceVersion);
});

test("watch() tells of objects that come into a selection and leave it", async () => {
  const api = await newApi();
  const stop = new AbortController();
  const events = api.watch(
    at(configMaps),
    { labelSelector: "on=1", sendInitialEvents: true },
    stop.signal,
  );
  const seen: string[] = [];
  const reading = (async () => {
    for await (const event of events) {
      seen.push(
        event.type === "BOOKMARK" ? "BOOKMARK" : `${event.type} ${event.object.metadata.name}`,
      );
      if (seen.length === 4) stop.abort();
    }
  })();
  await new Promise((resolve) => setImmediate(resolve));
  await put(api, "off");
  await put(api, "a", { metadata: { name: "a", labels: { on: "1" } } });
  const relabel = (on: string) =>
    api.patch(at(configMaps, "a"), { type: "merge", body: { metadata: { labels: { on } } } });
  await relabel("0");
  await relabel("1");
  await reading;
  assert.deepEqual(seen, ["BOOKMARK", "ADDED a", "DELETED a", "ADDED a"]);
});

test("a namespace ends when its finalizers are done", async () => {
  const api = await newApi();
  const target = { resource: namespaces, name: "team", namespace: "team" };
  await api.create({ resource: namespaces }, { metadata: { name: "team" } });
  const ending = (await api.delete(target)) as unknown as { status: { phase: string } };
  assert.equal(ending.status.phase, "Terminating");
  await api.update({ ...target, subresource: "finalize" }, { spec: { finalizers: [] } });
  await refused(api.get(target), "NotFound", /namespaces "team" not found/);
});

test("an event has two faces", async () => {
  const api = await newApi();
  await api.create(at(events), {
    metadata: { name: "e" },
    involvedObject: { kind: "Pod", name: "p", namespace },
    message: "it runs",
    reason: "Started",
    type: "Normal",
  });
  const face = (await api.get(at(eventsV1, "e"))) as unknown as JsonObject;
  assert.equal(face["apiVersion"], "events.k8s.io/v1");
  assert.equal(face["note"], "it runs");
  assert.equal((face["regarding"] as JsonObject)["name"], "p");
  const found = await api.list(at(eventsV1), { fieldSelector: "regarding.name=p" });
  assert.equal(found.items.length, 1);
});

test("two versions are two faces of one object", async () => {
  const api = await newApi();
  const spec = { policyName: "p" };
  const made = (await api.create(
    { resource: mutatingAdmissionPolicyBindingsV1Beta1 },
    { metadata: { name: "b" }, spec },
  )) as unknown as JsonObject;
  assert.equal(made["apiVersion"], "admissionregistration.k8s.io/v1beta1");
  const other = { resource: mutatingAdmissionPolicyBindings, name: "b" };
  const found = (await api.get(other)) as unknown as JsonObject;
  assert.equal(found["apiVersion"], "admissionregistration.k8s.io/v1");
  assert.deepEqual(found["spec"], spec);
  await api.delete(other);
  await refused(
    api.get({ ...other, resource: mutatingAdmissionPolicyBindingsV1Beta1 }),
    "NotFound",
    /"b" not found/,
  );
});

test("published objects are frozen, and shared", async () => {
  const api = await newApi();
  const object = await put(api, "a", { data: { v: "1" } });
  assert(Object.isFrozen(object) && Object.isFrozen(object.metadata));
});
