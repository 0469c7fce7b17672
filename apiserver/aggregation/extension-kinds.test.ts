import assert from "node:assert/strict";
import { test } from "node:test";
import { extensionKinds } from "./extension-kinds.ts";

const SERVED = { group: "g", version: "v1" };

test("extensionKinds() makes rows, with sub-resources in their place", () => {
  const resources = [
    { name: "foos/scale", kind: "Scale", group: "autoscaling", version: "v1", verbs: ["get"] },
    {
      name: "foos",
      singularName: "foo",
      namespaced: true,
      kind: "Foo",
      verbs: ["get", "list"],
      shortNames: ["f"],
      categories: ["all"],
    },
    { name: "foos/status", kind: "Foo", namespaced: true, verbs: ["update"] },
  ];
  assert.deepEqual(extensionKinds(JSON.stringify({ resources }), SERVED), [
    {
      ...SERVED,
      kind: "Foo",
      plural: "foos",
      singular: "foo",
      shortNames: ["f"],
      categories: ["all"],
      namespaced: true,
      verbs: ["get", "list"],
      subresources: [
        { name: "scale", kind: "Scale", group: "autoscaling", version: "v1", verbs: ["get"] },
        { name: "status", kind: "Foo", verbs: ["update"] },
      ],
    },
  ]);
});

test("extensionKinds() shows sub-resources of what is served elsewhere", () => {
  const resources = [{ name: "pods/load", kind: "Load", namespaced: true, verbs: ["get"] }];
  const [row] = extensionKinds(JSON.stringify({ resources }), SERVED);
  assert.deepEqual([row?.plural, row?.namespaced, row?.verbs], ["pods", true, []]);
  assert.deepEqual(row?.subresources, [{ name: "load", kind: "Load", verbs: ["get"] }]);
});

test("extensionKinds() makes nothing of nonsense", () => {
  const resources = [7, null, {}, { name: 7 }, { name: "/x" }, { name: "a", verbs: [1, "get"] }];
  const [row, ...more] = extensionKinds(JSON.stringify({ resources }), SERVED);
  assert.deepEqual([row?.plural, row?.verbs, more], ["a", ["get"], []]);
  for (const text of ["", "[]", "{}", '{"resources":7}'])
    assert.throws(() => extensionKinds(text, SERVED));
});
