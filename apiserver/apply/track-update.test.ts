import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { JsonObject, JsonValue } from "#lib/json";
import { deployments, pods } from "#resources";
import { kindTypeOf } from "./kind-types.ts";
import { decodeManagedFields, encodeManagedFields, type ManagedFields } from "./managers.ts";
import { writablePart } from "./route-fields.ts";
import { configMap, owners, pod, type State, update } from "./test-kinds.ts";
import { givenManagedFields } from "./track-update.ts";

test("a create owns all that is set, but not the structs that are always there", () => {
  const { empty } = kindTypeOf(deployments);
  const state = update(undefined, {
    ...empty,
    metadata: { name: "web", generateName: "w", uid: "u", labels: { app: "web" } },
    spec: {
      ...(empty["spec"] as JsonObject),
      replicas: 1,
      template: {
        metadata: {},
        spec: { containers: [{ name: "main", resources: {}, command: ["a"] }] },
      },
    },
  });
  assert.deepEqual(owners(state), {
    "alice Update": {
      "f:metadata": { "f:generateName": {}, "f:labels": { ".": {}, "f:app": {} } },
      "f:spec": {
        "f:replicas": {},
        "f:template": {
          "f:spec": {
            "f:containers": {
              'k:{"name":"main"}': { ".": {}, "f:name": {}, "f:resources": {}, "f:command": {} },
            },
          },
        },
      },
    },
  });
});

describe("an update", () => {
  test("owns what it changes and adds to what it owned", () => {
    const made = update(undefined, configMap({ a: "1" }));
    const more = update(made, configMap({ a: "1", b: "1" }));
    assert.deepEqual(owners(more), {
      "alice Update": { "f:data": { ".": {}, "f:a": {}, "f:b": {} } },
    });
  });

  test("that changes nothing gives back the same list", () => {
    const made = update(undefined, configMap({ a: "1" }));
    assert.equal(update(made, configMap({ a: "1" }), { by: "bob" }).managed, made.managed);
  });

  test("takes what it removes from whoever owned it", () => {
    const made = update(undefined, configMap({ a: "1", b: "1" }));
    assert.deepEqual(owners(update(made, configMap({ b: "1" }), { by: "bob" })), {
      "alice Update": { "f:data": { ".": {}, "f:b": {} } },
    });
  });

  test("by another route is another manager", () => {
    const made = update(undefined, { ...pod({ nodeName: "n" }), status: {} });
    const ready = { ...made.object, status: { podIPs: [{ ip: "10.0.0.1" }] } };
    assert.deepEqual(owners(update(made, ready, { subresource: "status" })), {
      "alice Update": { "f:spec": { "f:nodeName": {} } },
      "alice Update status": {
        "f:status": {
          "f:podIPs": { ".": {}, 'k:{"ip":"10.0.0.1"}': { ".": {}, "f:ip": {} } },
        },
      },
    });
  });
});

test("beyond ten updaters the oldest become one entry", () => {
  let state: State | undefined;
  const data: Record<string, string> = {};
  for (let at = 10; at < 25; at++) {
    data[`k${at}`] = "1";
    state = update(state, configMap({ ...data }), {
      by: `m${at}`,
      time: `2026-01-31T12:00:${at}Z`,
    });
  }
  const names = state?.managed.map(({ name }) => name).join(" ");
  assert.equal(names, "ancient-changes m16 m17 m18 m19 m20 m21 m22 m23 m24");
  assert.ok(state !== undefined);
  const ancient = owners(state)["ancient-changes Update"] as JsonObject;
  const fields = Object.keys(ancient["f:data"] as JsonObject).toSorted();
  assert.equal(fields.join(" "), ". f:k10 f:k11 f:k12 f:k13 f:k14 f:k15");
  assert.equal(state.managed[0]?.time, "2026-01-31T12:00:15Z");
});

describe("a client's own list", () => {
  const current = update(undefined, configMap({ a: "1" })).managed;
  const shown = JSON.parse(encodeManagedFields(current)) as JsonValue;
  const withList = (managedFields: JsonValue): JsonObject => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "m", managedFields },
  });
  const given = (list: JsonValue): ManagedFields => givenManagedFields(withList(list), current);

  test("takes all away when it is one empty entry, and nothing when it is empty or wrong", () => {
    assert.deepEqual(given([{}]), []);
    for (const list of [[], {}, [{ manager: "a" }], [{ fieldsType: "FieldsV1", operation: "x" }]])
      assert.equal(given(list), current, JSON.stringify(list));
    assert.equal(givenManagedFields(configMap({}), current), current);
  });

  test("replaces the old one, unless it is the old one", () => {
    assert.equal(given(shown), current);
    const [entry] = shown as readonly JsonObject[];
    const renamed = given([{ ...entry, manager: "bob", subresource: "scale" }]);
    assert.equal(renamed[0]?.name, "bob");
    assert.equal(renamed[0]?.subresource, "scale");
    assert.deepEqual(decodeManagedFields(JSON.parse(encodeManagedFields(renamed))), renamed);
  });
});

test("a route owns only what it writes", () => {
  const object = { ...pod({ nodeName: "n" }), status: { phase: "Running" } };
  const parts = (subresource?: string): string =>
    Object.keys(writablePart(pods, subresource, object)).join(" ");
  assert.equal(parts(), "apiVersion kind metadata spec");
  assert.equal(parts("status"), "apiVersion kind metadata status");
});
