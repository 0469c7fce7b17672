import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApiObject } from "#proto";
import type { OwnerReference } from "#proto/meta/v1";
import { type OwnerState, planGarbage } from "./plan.ts";

function object(name: string, more: object = {}): ApiObject {
  return {
    apiVersion: "v1",
    kind: "X",
    metadata: { name, uid: name, resourceVersion: "1", creationTimestamp: "", ...more },
  } as ApiObject;
}

function owner(uid: string, blockOwnerDeletion = true): OwnerReference {
  return { apiVersion: "v1", kind: "X", name: uid, uid, blockOwnerDeletion };
}

const STATES: Readonly<Record<string, OwnerState>> = {
  gone: "absent",
  here: "present",
  waiting: "deleting-foreground",
};
const stateOf = ({ uid }: OwnerReference): OwnerState => STATES[uid] ?? "present";
const dependent = object("child", { ownerReferences: [owner("parent")] });

const ROWS = [
  {
    name: "leaves what nobody owns",
    object: object("a"),
    dependents: [],
    expect: { action: "none" },
  },
  {
    name: "deletes what has lost its last owner",
    object: object("a", { ownerReferences: [owner("gone")] }),
    dependents: [],
    expect: { action: "delete", propagation: "Background" },
  },
  {
    name: "drops an absent owner when another is there",
    object: object("a", { ownerReferences: [owner("gone"), owner("here")] }),
    dependents: [],
    expect: { action: "drop-owners", uids: ["gone"] },
  },
  {
    name: "deletes dependents of an owner that waits, their own first",
    object: object("a", { ownerReferences: [owner("waiting")] }),
    dependents: [dependent],
    expect: { action: "delete", propagation: "Foreground" },
  },
  {
    name: "waits for the dependents of a foreground deletion",
    object: object("parent", { deletionTimestamp: "t", finalizers: ["foregroundDeletion"] }),
    dependents: [dependent],
    expect: { action: "none" },
  },
  {
    name: "lives on with another owner when one waits",
    object: object("a", { ownerReferences: [owner("waiting"), owner("here")] }),
    dependents: [],
    expect: { action: "drop-owners", uids: ["waiting"] },
  },
  {
    name: "lets go when no dependent keeps it",
    object: object("parent", { deletionTimestamp: "t", finalizers: ["foregroundDeletion"] }),
    dependents: [object("c", { ownerReferences: [owner("parent", false)] })],
    expect: { action: "remove-finalizer", finalizer: "foregroundDeletion" },
  },
  {
    name: "orphans dependents before it goes",
    object: object("parent", { deletionTimestamp: "t", finalizers: ["orphan"] }),
    dependents: [dependent],
    expect: { action: "orphan-dependents", dependents: [dependent] },
  },
  {
    name: "goes when it has no dependents to orphan",
    object: object("parent", { deletionTimestamp: "t", finalizers: ["orphan"] }),
    dependents: [],
    expect: { action: "remove-finalizer", finalizer: "orphan" },
  },
] as const;

for (const { dependents, expect, name, object: each } of ROWS) {
  test(`planGarbage() ${name}`, () => {
    assert.deepEqual(planGarbage(each, dependents, stateOf), expect);
  });
}
