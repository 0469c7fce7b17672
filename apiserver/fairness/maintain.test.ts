import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "#lib/json";
import { DEFAULT_LEVELS } from "./default-objects.ts";
import { AUTO_UPDATE, type Kept, planMaintenance } from "./maintain.ts";

const WELL: readonly Kept[] = DEFAULT_LEVELS.map(({ name, spec }) => ({
  metadata: { name, generation: 1, annotations: { [AUTO_UPDATE]: "true" } },
  spec,
}));

/** The plan when one level has become this. */
function plan(name: string, metadata: JsonObject, spec?: JsonObject) {
  const found = WELL.map((each) =>
    each.metadata.name === name
      ? { metadata: { name, ...metadata }, spec: spec ?? each.spec }
      : each,
  );
  return planMaintenance(DEFAULT_LEVELS, found as readonly Kept[]);
}

const OTHER = { type: "Limited", limited: { limitResponse: { type: "Reject" } } };
const marked = (value: string) => ({ annotations: { [AUTO_UPDATE]: value } });
const specOf = (name: string) => DEFAULT_LEVELS.find((each) => each.name === name)?.spec;

test("a new store is given all, and then nothing", () => {
  const made = planMaintenance(DEFAULT_LEVELS, []);
  assert.deepEqual(
    made.map(({ verb }) => verb),
    DEFAULT_LEVELS.map(() => "create"),
  );
  assert.deepEqual(planMaintenance(DEFAULT_LEVELS, WELL), []);
});

test("a mandatory object is set right whatever its annotation says", () => {
  for (const metadata of [marked("true"), marked("false"), { generation: 7 }]) {
    const [mending] = plan("catch-all", metadata, OTHER);
    assert.equal(mending?.verb, "update");
    const { object } = mending as { readonly object: JsonObject };
    assert.deepEqual(object["spec"], specOf("catch-all"));
    const { annotations } = object["metadata"] as { readonly annotations: JsonObject };
    assert.equal(annotations[AUTO_UPDATE], "true");
  }
});

test("the exempt level's seats are the administrator's", () => {
  const spec = { type: "Exempt", exempt: { nominalConcurrencyShares: 9, lendablePercent: 50 } };
  assert.deepEqual(plan("exempt", marked("true"), spec), []);
});

test("a suggested object is the server's or its users', by annotation, then by generation", () => {
  const rows: readonly (readonly [JsonObject, boolean])[] = [
    [marked("true"), true],
    [marked("false"), false],
    [{ generation: 1 }, true],
    [{ generation: 2 }, false],
    [{ ...marked("perhaps"), generation: 2 }, false],
  ];
  for (const [metadata, isServers] of rows) {
    const found = plan("workload-low", metadata, OTHER);
    assert.equal(found.length, isServers ? 1 : 0, JSON.stringify(metadata));
  }
  const [mending] = plan("workload-low", { labels: { mine: "1" }, ...marked("true") }, OTHER);
  const { object } = mending as unknown as { readonly object: Kept };
  assert.deepEqual(object.metadata.labels, { mine: "1" });
  assert.deepEqual(object.spec, specOf("workload-low"));
});

test("objects that are no default any more go, but not users' own", () => {
  const stray = (annotations: Record<string, string>): Kept => ({
    metadata: { name: "old", annotations },
    spec: OTHER,
  });
  const found = [...WELL, stray({ [AUTO_UPDATE]: "true" })];
  assert.deepEqual(planMaintenance(DEFAULT_LEVELS, found), [{ verb: "delete", name: "old" }]);
  assert.deepEqual(planMaintenance(DEFAULT_LEVELS, [...WELL, stray({})]), []);
});
