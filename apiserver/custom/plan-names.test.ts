import assert from "node:assert/strict";
import { test } from "node:test";
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
} from "#proto/apiextensions/v1";
import { planStatus } from "./plan-names.ts";

const NOW = "2026-01-01T00:00:00Z";

function definition(
  names: Partial<CustomResourceDefinitionNames>,
  accepted?: CustomResourceDefinitionNames,
  group = "shop.example.com",
): CustomResourceDefinition {
  const given = {
    plural: "widgets",
    kind: "Widget",
    singular: "widget",
    listKind: "WidgetList",
    ...names,
  };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name: `${given.plural}.${group}`,
      uid: "",
      resourceVersion: "",
      creationTimestamp: NOW,
    },
    spec: {
      group,
      names: given,
      scope: "Namespaced",
      versions: [{ name: "v1", served: true, storage: true }],
    },
    status: {
      conditions: [],
      acceptedNames: accepted ?? { plural: "", kind: "" },
      storedVersions: [],
    },
  } as unknown as CustomResourceDefinition;
}

function reasonsOf(
  each: CustomResourceDefinition,
  others: readonly CustomResourceDefinition[],
): readonly string[] {
  return planStatus(each, others, NOW).conditions.map(
    ({ reason, status, type }) => `${type}=${status} ${reason}`,
  );
}

const OTHER = {
  plural: "things",
  kind: "Thing",
  singular: "thing",
  listKind: "ThingList",
  shortNames: ["th"],
};
const CONFLICTS: readonly (readonly [Partial<CustomResourceDefinitionNames>, string])[] = [
  [{ plural: "th" }, "PluralConflict"],
  [{ singular: "things" }, "SingularConflict"],
  [{ shortNames: ["wd", "thing"] }, "ShortNamesConflict"],
  [{ kind: "Thing" }, "KindConflict"],
  [{ listKind: "ThingList" }, "ListKindConflict"],
];

test("planStatus() gives a name to one definition of a group alone", () => {
  const other = definition(OTHER, OTHER);
  for (const [names, reason] of CONFLICTS) {
    const found = reasonsOf(definition(names), [other]);
    assert.deepEqual(found, [`NamesAccepted=False ${reason}`, "Established=False NotAccepted"]);
  }
  const free = ["NamesAccepted=True NoConflicts", "Established=True InitialNamesAccepted"];
  assert.deepEqual(reasonsOf(definition({}), [other]), free);
  const elsewhere = definition(OTHER, OTHER, "other.example.com");
  assert.deepEqual(reasonsOf(definition({ plural: "things" }), [elsewhere]), free);
});

test("planStatus() leaves built-in names alone", () => {
  const taken = definition({ plural: "deployments", kind: "Other" }, undefined, "apps");
  assert.match(reasonsOf(taken, [])[0] ?? "", /PluralConflict/);
});

test("planStatus() keeps a kind established whose new short name is taken", () => {
  const before = definition({});
  const status = planStatus(before, [], NOW);
  const after = {
    ...before,
    spec: { ...before.spec, names: { ...before.spec.names, shortNames: ["th"] } },
    status,
  };
  const next = planStatus(after, [definition(OTHER, OTHER)], NOW);
  assert.deepEqual(next.acceptedNames, { ...before.spec.names, shortNames: [] });
  assert.equal(next.conditions.find(({ type }) => type === "Established")?.status, "True");
});

test("planStatus() remembers every version that objects were stored in, and says nothing twice", () => {
  const status = planStatus(definition({}), [], NOW);
  assert.deepEqual(status.storedVersions, ["v1"]);
  assert.equal(planStatus({ ...definition({}), status }, [], "2026-02-02T00:00:00Z"), status);
});
