import assert from "node:assert/strict";
import { test } from "node:test";
import { configMaps, pods, type Resource } from "#resources";
import { Published } from "../../chain/published.ts";
import type { PublishedEvent } from "../../chain/steps.ts";
import type { Representation } from "./accept.ts";
import { encodeEvents } from "./encode-events.ts";
import type { Encoding } from "./forms.ts";

const OBJECT: Representation = { type: "application/json", as: "Object", version: "v1" };
const PARTIAL: Representation = {
  type: "application/json",
  as: "PartialObjectMetadata",
  version: "v1",
};
const TABLE: Representation = { type: "application/json", as: "Table", version: "v1" };

function encoding(representation: Representation, resource: Resource = pods): Encoding {
  return { resource, representation, includeObject: "Metadata", nowMs: 0 };
}

function event(type: "ADDED" | "DELETED" | "MODIFIED", name: string): PublishedEvent {
  const stored = JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name }, spec: {} });
  return { type, object: new Published(`/registry/core/pods/d/${name}`, 7, Buffer.from(stored)) };
}

function told(bytes: Buffer): string[] {
  const lines = bytes.toString().split("\n");
  assert.equal(lines.pop(), "", "each line is ended");
  return lines.map((line) => {
    const { object, type } = JSON.parse(line);
    return `${type} ${object.kind} ${object.metadata.name ?? object.metadata.resourceVersion}`;
  });
}

const bookmark: PublishedEvent = { type: "BOOKMARK", revision: 9, initialEventsEnd: false };
const events = [event("ADDED", "a"), event("MODIFIED", "b"), event("DELETED", "c"), bookmark];

test("encodeEvents() writes a line an event, in order", () => {
  const lines = told(encodeEvents(encoding(OBJECT), events).bytes);
  assert.deepEqual(lines, ["ADDED Pod a", "MODIFIED Pod b", "DELETED Pod c", "BOOKMARK Pod 9"]);
  const partial = told(encodeEvents(encoding(PARTIAL), events.slice(0, 1)).bytes);
  assert.deepEqual(partial, ["ADDED PartialObjectMetadata a"]);
});

test("encodeEvents() shares what is the same, and nothing else", () => {
  const first = encodeEvents(encoding(OBJECT), events);
  assert.equal(encodeEvents(encoding(OBJECT), [...events]), first);
  assert.notEqual(encodeEvents(encoding(OBJECT), events.slice(0, 2)), first);
  assert.notEqual(encodeEvents(encoding(OBJECT), events.with(1, event("ADDED", "x"))), first);
  assert.notEqual(encodeEvents(encoding(PARTIAL), events), first);
  assert.notEqual(encodeEvents(encoding(OBJECT, configMaps), events), first);
  assert.equal(encodeEvents(encoding(PARTIAL), events), encodeEvents(encoding(PARTIAL), events));
  const table = encodeEvents(encoding(TABLE), events.slice(0, 1));
  assert.notEqual(encodeEvents(encoding(TABLE), events.slice(0, 1)), table, "ages go on");
});

test("encodeEvents() keeps apart more variants than it remembers", () => {
  const [first] = events;
  assert.ok(first);
  for (let round = 0; round < 2; round++)
    for (let i = 0; i < 40; i++) {
      const others = Array.from({ length: i }, (_, at) => event("ADDED", `n${at}`));
      assert.equal(told(encodeEvents(encoding(OBJECT), [first, ...others]).bytes).length, i + 1);
    }
});
