import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { JsonObject, JsonValue } from "#lib/json";
import { difference, isEmpty } from "./field-set.ts";
import { DEDUCED, type MapType } from "./field-type.ts";
import { encodeManagedFields, setOfEntry } from "./managers.ts";
import { apply, everyPlace, kindOf, pod, type State, update } from "./test-kinds.ts";
import { trackCreate, trackUpdate } from "./track-update.ts";

const MANAGERS = ["alice", "bob", "carol"] as const;

/** Pods of few names and values, so that they often meet: maps, lists with keys, sets, atomic lists, scalars. */
const PLAIN = { noNullPrototype: true };
const word = fc.constantFrom("a", "b", "c");
const labels = fc.dictionary(word, word, { maxKeys: 3, noNullPrototype: true });
const keyed = (field: string, item: fc.Arbitrary<object>) =>
  fc.uniqueArray(item, {
    selector: (each) => (each as Record<string, unknown>)[field],
    maxLength: 3,
  });
const env = keyed("name", fc.record({ name: word, value: word }, PLAIN));
const containers = keyed(
  "name",
  fc.record({ name: word, image: word, env }, { requiredKeys: ["name"], noNullPrototype: true }),
);
const spec = fc.record(
  {
    nodeName: word,
    containers,
    tolerations: fc.array(fc.record({ key: word }, PLAIN), { maxLength: 2 }),
  },
  { requiredKeys: [], noNullPrototype: true },
);
const metadata = fc.record(
  { labels, finalizers: fc.uniqueArray(word, { maxLength: 3 }) },
  { requiredKeys: [], noNullPrototype: true },
);
const configurations = fc
  .tuple(spec, metadata)
  .map(([s, m]) => pod(s as unknown as JsonObject, m as unknown as JsonObject));
const step = fc.record({
  by: fc.constantFrom(...MANAGERS),
  applies: fc.boolean(),
  object: configurations,
});

function after(steps: readonly { by: string; applies: boolean; object: JsonObject }[]): State {
  let state: State | undefined;
  for (const { by, applies, object } of steps)
    state = applies ? apply(state, object, { by, force: true }) : update(state, object, { by });
  return state ?? { object: pod({}), managed: [] };
}

test("applying twice changes nothing", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 5 }), configurations, (steps, configuration) => {
      const once = apply(after(steps), configuration, { force: true });
      // An object that nobody owns anything of counts as one that was not tracked yet.
      fc.pre(once.managed.length > 0);
      const twice = apply(once, configuration, { force: true });
      assert.deepEqual(twice.object, once.object);
      assert.equal(encodeManagedFields(twice.managed), encodeManagedFields(once.managed));
    }),
  );
});

test("what is owned is there", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 6 }), (steps) => {
      const { object, managed } = after(steps);
      const there = everyPlace(object);
      for (const entry of managed) {
        const missing = difference(setOfEntry(entry), there);
        assert.ok(isEmpty(missing), `${entry.name} owns what is not there: ${entry.fields}`);
      }
    }),
  );
});

test("what others own outlives a manager that gives all up", () => {
  fc.assert(
    fc.property(configurations, configurations, (mine, others) => {
      const state = apply(apply(undefined, others, { by: "bob" }), mine, { force: true });
      const kept = apply(state, pod({}), { force: true });
      const bob = kept.managed.find(({ name }) => name === "bob");
      const was = state.managed.find(({ name }) => name === "bob");
      assert.equal(bob?.fields, was?.fields);
    }),
  );
});

test("of appliers of different fields none minds who came first", () => {
  fc.assert(
    fc.property(labels, labels, (mine, yours) => {
      const named = (prefix: string, all: Readonly<Record<string, string>>): JsonObject => {
        const own = Object.entries(all).map(([key, value]): [string, JsonValue] => [
          `${prefix}/${key}`,
          value,
        ]);
        return pod({}, { labels: Object.fromEntries(own) });
      };
      const a = named("a", mine);
      const b = named("b", yours);
      const one = apply(apply(undefined, a, { by: "alice" }), b, { by: "bob" });
      const other = apply(apply(undefined, b, { by: "bob" }), a, { by: "alice" });
      assert.deepEqual(one.object, other.object);
      assert.equal(encodeManagedFields(one.managed), encodeManagedFields(other.managed));
    }),
  );
});

const DEDUCED_MAP: MapType = { kind: "map", field: () => undefined, others: DEDUCED };

test("a create owns what an update of nothing would", () => {
  fc.assert(
    fc.property(configurations, fc.boolean(), (object, isDeduced) => {
      const { type, empty } = kindOf(object);
      const write = {
        type: isDeduced ? DEDUCED_MAP : type,
        before: isDeduced ? {} : empty,
        after: object,
        by: { name: "alice", operation: "Update", apiVersion: "v1" } as const,
        time: "2026-01-31T12:00:00Z",
      };
      assert.deepEqual(
        JSON.parse(encodeManagedFields(trackCreate(write))),
        JSON.parse(encodeManagedFields(trackUpdate({ ...write, managed: [] }))),
      );
    }),
  );
});
