import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import { ConfigurationError } from "./fields-of.ts";
import { apply, configMap, owners, pod, type State, update } from "./test-kinds.ts";

function specOf(state: State): JsonObject {
  return state.object["spec"] as JsonObject;
}

function conflictOf(step: () => unknown): StatusError {
  try {
    step();
  } catch (error) {
    assert.ok(StatusError.is(error, "Conflict"), String(error));
    return error;
  }
  assert.fail("no conflict");
}

const BARE: JsonObject = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "m" } };

describe("apply", () => {
  test("owns what the configuration says, and no more", () => {
    const state = apply(undefined, {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web", labels: { app: "web" } },
      spec: {
        replicas: 3,
        selector: { matchLabels: { app: "web" } },
        template: {
          spec: {
            containers: [{ name: "main", image: "a", ports: [{ containerPort: 80 }] }],
            tolerations: [{ key: "a", operator: "Exists" }],
          },
        },
      },
    });
    assert.deepEqual(owners(state), {
      "alice Apply": {
        "f:metadata": { "f:labels": { "f:app": {} } },
        "f:spec": {
          "f:replicas": {},
          "f:selector": {},
          "f:template": {
            "f:spec": {
              "f:containers": {
                'k:{"name":"main"}': {
                  ".": {},
                  "f:image": {},
                  "f:name": {},
                  "f:ports": {
                    'k:{"containerPort":80,"protocol":"TCP"}': { ".": {}, "f:containerPort": {} },
                  },
                },
              },
              "f:tolerations": {},
            },
          },
        },
      },
    });
  });

  test("takes out what its manager no longer applies, and leaves what others own", () => {
    const both = apply(apply(undefined, configMap({ a: "1", b: "1" })), configMap({ b: "1" }), {
      by: "bob",
    });
    assert.deepEqual(apply(both, configMap({})).object["data"], { b: "1" });
    const alone = apply(apply(undefined, configMap({ a: "1" })), BARE);
    assert.equal("data" in alone.object, false);
    assert.deepEqual(owners(alone), {});
  });

  test("leaves what nobody applied", () => {
    const live = update(undefined, configMap({ a: "1" }), { by: "create" });
    const state = apply(live, configMap({ b: "1" }));
    assert.deepEqual(apply(state, configMap({})).object["data"], { a: "1" });
  });
});

describe("conflicts", () => {
  test("are over other values of other managers, and are told in Kubernetes' words", () => {
    const state = update(undefined, pod({ nodeName: "n" }), { by: "kubectl-edit" });
    const one = conflictOf(() => apply(state, pod({ nodeName: "other" })));
    assert.equal(
      one.message,
      'Apply failed with 1 conflict: conflict with "kubectl-edit" using v1: .spec.nodeName',
    );
    assert.deepEqual(one.details?.causes, [
      {
        reason: "FieldManagerConflict",
        message: 'conflict with "kubectl-edit" using v1',
        field: ".spec.nodeName",
      },
    ]);
    const applied = apply(undefined, pod({ containers: [{ name: "a", image: "1" }] }), {
      by: "bob",
    });
    const more = update(applied, pod({ containers: [{ name: "a", image: "1" }], nodeName: "n" }), {
      by: "carol",
      subresource: "binding",
    });
    const two = conflictOf(() =>
      apply(more, pod({ containers: [{ name: "a", image: "2" }], nodeName: "m" })),
    );
    assert.equal(
      two.message,
      [
        'Apply failed with 2 conflicts: conflicts with "bob":',
        '- .spec.containers[name="a"].image',
        'conflicts with "carol" with subresource "binding" using v1:',
        "- .spec.nodeName",
      ].join("\n"),
    );
  });
});

describe("ownership", () => {
  test("is shared by those who apply the same value", () => {
    const state = apply(apply(undefined, configMap({ a: "1" })), configMap({ a: "1" }), {
      by: "bob",
    });
    const fields = { "f:data": { "f:a": {} } };
    assert.deepEqual(owners(state), { "alice Apply": fields, "bob Apply": fields });
    assert.match(conflictOf(() => apply(state, configMap({ a: "2" }))).message, /"bob": .data.a/);
  });

  test("is taken by force from those who had another value", () => {
    const state = apply(undefined, configMap({ a: "1", b: "1" }), { by: "bob" });
    const forced = apply(state, configMap({ a: "2" }), { force: true });
    assert.deepEqual(forced.object["data"], { a: "2", b: "1" });
    assert.deepEqual(owners(forced), {
      "alice Apply": { "f:data": { "f:a": {} } },
      "bob Apply": { "f:data": { "f:b": {} } },
    });
  });

  test("is given up by no longer applying, and the field stays with others", () => {
    const shared = apply(apply(undefined, configMap({ a: "1" })), configMap({ a: "1" }), {
      by: "bob",
    });
    const given = apply(shared, BARE);
    assert.deepEqual(given.object["data"], { a: "1" });
    assert.deepEqual(owners(given), { "bob Apply": { "f:data": { "f:a": {} } } });
  });

  test("goes with an update to whoever made it", () => {
    const applied = apply(undefined, configMap({ a: "1", b: "1" }));
    const state = update(applied, configMap({ a: "2" }), { by: "kubectl-edit" });
    assert.deepEqual(owners(state), { "kubectl-edit Update": { "f:data": { "f:a": {} } } });
  });

  test("of what was there before anybody was tracked is a manager's of its own", () => {
    const state = apply({ object: configMap({ a: "1" }), managed: [] }, configMap({ b: "1" }));
    assert.deepEqual(owners(state)["before-first-apply Update"], {
      "f:data": { ".": {}, "f:a": {} },
    });
    assert.deepEqual(state.object["data"], { a: "1", b: "1" });
  });

  test("keeps its time while nothing changes", () => {
    const first = apply(undefined, configMap({ a: "1" }), { time: "2026-01-01T00:00:00Z" });
    const again = apply(first, configMap({ a: "1" }));
    assert.deepEqual(again, first);
    assert.equal(apply(first, configMap({ a: "2" })).managed[0]?.time, "2026-01-31T12:00:00Z");
  });
});

describe("lists", () => {
  test("with keys merge item by item; keys that are left out have their defaults", () => {
    const service = (ports: readonly JsonObject[]): JsonObject => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "s" },
      spec: { ports },
    });
    const live = update(undefined, service([{ port: 80, protocol: "TCP", targetPort: 1 }]));
    const state = apply(
      live,
      service([
        { port: 80, name: "web" },
        { port: 80, protocol: "UDP" },
      ]),
    );
    assert.deepEqual(specOf(state)["ports"], [
      { port: 80, protocol: "TCP", targetPort: 1, name: "web" },
      { port: 80, protocol: "UDP" },
    ]);
  });

  test("keep the configuration's order, and between its items what only the live list has", () => {
    const containers = (...names: string[]): JsonObject =>
      pod({ containers: names.map((name) => ({ name })) });
    const cases: [string, string, string][] = [
      ["a b c", "c x a", "b c x a"],
      ["b a", "x a", "b x a"],
      ["a b", "a x", "a b x"],
      ["", "a b", "a b"],
      ["a b", "", "a b"],
    ];
    const split = (text: string): string[] => text.split(" ").filter(Boolean);
    for (const [live, configuration, merged] of cases) {
      const before = update(undefined, containers(...split(live)));
      const state = apply(before, containers(...split(configuration)));
      const names = (specOf(state)["containers"] as JsonObject[]).map(({ name }) => name);
      assert.equal(names.join(" "), merged, `${live} + ${configuration}`);
    }
  });

  test("that are atomic are replaced, and are one field", () => {
    const tolerations = (key: string) => pod({ tolerations: [{ key }, { key: "all" }] });
    const state = apply(undefined, tolerations("a"));
    assert.deepEqual(specOf(apply(state, tolerations("b")))["tolerations"], [
      { key: "b" },
      { key: "all" },
    ]);
    const conflict = conflictOf(() => apply(state, tolerations("b"), { by: "bob" }));
    assert.match(conflict.message, /: \.spec\.tolerations$/);
  });
});

describe("items of lists", () => {
  test("of which there are very many take no longer each", { timeout: 5_000 }, () => {
    const many = Array.from({ length: 50_000 }, (_, at) => `example.com/${at}`);
    const state = apply(undefined, pod({}, { finalizers: many }));
    const turned = apply(state, pod({}, { finalizers: many.toReversed() }), { by: "bob" });
    const { finalizers } = turned.object["metadata"] as { finalizers: readonly string[] };
    assert.deepEqual(finalizers, many.toReversed());
  });

  test("of a set are there once, and have owners each", () => {
    const finalizers = (...names: string[]) => pod({}, { finalizers: names });
    const state = apply(apply(undefined, finalizers("a", "b")), finalizers("b", "c"), {
      by: "bob",
    });
    assert.deepEqual((state.object["metadata"] as JsonObject)["finalizers"], ["a", "b", "c"]);
    const less = apply(state, finalizers());
    assert.deepEqual((less.object["metadata"] as JsonObject)["finalizers"], ["b", "c"]);
  });

  test("go with their applier, whatever others changed in them", () => {
    const image = (text: string) => pod({ containers: [{ name: "a", image: text }] });
    const state = update(apply(undefined, image("1")), image("2"), { by: "kubectl-set" });
    assert.deepEqual(specOf(apply(state, pod({ containers: [] })))["containers"], []);
  });

  test("are told apart by their keys, as conditions by their type", () => {
    const conditions = (...types: string[]): JsonObject => ({
      ...pod({}),
      status: { conditions: types.map((type) => ({ type, status: "True" })) },
    });
    const state = apply(apply(undefined, conditions("A")), conditions("B"), { by: "bob" });
    assert.deepEqual(
      ((state.object["status"] as JsonObject)["conditions"] as JsonObject[]).map((c) => c["type"]),
      ["A", "B"],
    );
  });

  test("that are there twice, or lack their key, are refused", () => {
    const refused = (containers: readonly JsonObject[]) => () =>
      apply(undefined, pod({ containers }));
    assert.throws(refused([{ name: "a" }, { name: "a" }]), {
      message: '.spec.containers: duplicate entries for key [name="a"]',
    });
    assert.throws(refused([{ image: "x" }]), ConfigurationError);
  });
});

describe("kubectl's own apply", () => {
  const ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration";
  const clientSide = (data: Readonly<Record<string, string>>): State => {
    const applied = configMap(data);
    const metadata = { name: "m", annotations: { [ANNOTATION]: JSON.stringify(applied) } };
    return update(undefined, { ...applied, metadata }, { by: "kubectl-client-side-apply" });
  };

  test("takes over without conflict what the client applied, and keeps its annotation", () => {
    const state = apply(clientSide({ a: "1" }), configMap({ a: "2" }), { by: "kubectl" });
    assert.deepEqual(state.object["data"], { a: "2" });
    const { annotations } = state.object["metadata"] as { annotations: Record<string, string> };
    assert.deepEqual(JSON.parse(annotations[ANNOTATION] ?? ""), configMap({ a: "2" }));
  });

  test("still conflicts over what others changed since, and only by the name kubectl", () => {
    const applied = clientSide({ a: "1", b: "1" });
    const data = { a: "1", b: "edited" };
    const edited = update(applied, { ...applied.object, data }, { by: "kubectl-edit" });
    const conflict = conflictOf(() =>
      apply(edited, configMap({ a: "2", b: "2" }), { by: "kubectl" }),
    );
    assert.match(conflict.message, /^Apply failed with 1 conflict: .*"kubectl-edit".*: \.data\.b$/);
    assert.match(conflictOf(() => apply(applied, configMap({ a: "2" }))).message, /\.data\.a/);
  });
});
