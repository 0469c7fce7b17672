/** The lines of a watch. What many watchers are told at the same time is encoded once. */
import type { JsonObject, JsonValue } from "#lib/json";
import { apiVersionOf, type Resource } from "#resources";
import type { PublishedEvent } from "../../chain/steps.ts";
import { type Encoding, encodeTransformed } from "./encode.ts";
import { Part } from "./ongoing-body.ts";

/** Watches that begin to differ at the same event; those behind these many encode for themselves. */
const VARIANTS_MAX = 16;

interface Encoded {
  readonly events: readonly PublishedEvent[];
  readonly resource: Resource;
  readonly as: string;
  readonly part: Part;
}

/** By first event, for as long as that is remembered. */
const known = new WeakMap<PublishedEvent, Encoded[]>();

/** One line an event. `events` is not empty. */
export function encodeEvents(encoding: Encoding, events: readonly PublishedEvent[]): Part {
  const [first] = events;
  // A table shows ages, which are of this moment.
  if (first === undefined || encoding.representation.as === "Table")
    return encodeAll(encoding, events);
  const variants = known.get(first) ?? [];
  const found = variants.find((each) => isFor(each, encoding, events));
  if (found !== undefined) return found.part;
  const part = encodeAll(encoding, events);
  if (variants.length === 0) known.set(first, variants);
  if (variants.length < VARIANTS_MAX)
    variants.push({ events, resource: encoding.resource, as: nameOf(encoding), part });
  return part;
}

function isFor(each: Encoded, encoding: Encoding, events: readonly PublishedEvent[]): boolean {
  return (
    each.resource === encoding.resource &&
    each.as === nameOf(encoding) &&
    each.events.length === events.length &&
    each.events.every((event, index) => event === events[index])
  );
}

function nameOf({ representation }: Encoding): string {
  return representation.as === "Object" ? "Object" : representation.as + representation.version;
}

const HEADS = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
};
const LINE_END = Buffer.from("}\n");

function encodeAll(encoding: Encoding, events: readonly PublishedEvent[]): Part {
  const pieces: Buffer[] = [];
  for (const event of events) {
    if (event.type === "BOOKMARK")
      pieces.push(jsonLine("BOOKMARK", bookmark(encoding.resource, event)));
    else if (encoding.representation.as === "Object")
      pieces.push(HEADS[event.type], event.object.bytes, LINE_END);
    else pieces.push(jsonLine(event.type, encodeTransformed(encoding, event.object)));
  }
  return new Part(pieces);
}

export function jsonLine(type: string, object: JsonValue): Buffer {
  return Buffer.from(`${JSON.stringify({ type, object })}\n`);
}

function bookmark(
  resource: Resource,
  event: Extract<PublishedEvent, { type: "BOOKMARK" }>,
): JsonObject {
  return {
    kind: resource.kind,
    apiVersion: apiVersionOf(resource),
    metadata: {
      resourceVersion: String(event.revision),
      creationTimestamp: null,
      ...(event.initialEventsEnd ? { annotations: { "k8s.io/initial-events-end": "true" } } : {}),
    },
  };
}
