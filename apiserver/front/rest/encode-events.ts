/** What a watch writes. What many watchers are told at the same time is encoded once. */
import { protobufEventHead } from "#codec";
import type { JsonObject } from "#lib/json";
import type { Resource } from "#resources";
import type { PublishedEvent } from "../../chain/steps.ts";
import type { Representation } from "./accept.ts";
import { documentBytes, encodeObject } from "./encode.ts";
import { bookmark, type Encoding } from "./forms.ts";
import { type MediaType, PROTOBUF_TYPE } from "./media-type.ts";
import { Part } from "./ongoing-body.ts";

/** Watches that begin to differ at the same event; those behind these many encode for themselves. */
const VARIANTS_MAX = 16;

interface Encoded {
  readonly events: readonly PublishedEvent[];
  readonly resource: Resource;
  readonly representation: Representation;
  readonly part: Part;
}

/** By first event, for as long as that is remembered. */
const known = new WeakMap<PublishedEvent, Encoded[]>();

/** One line or frame an event. `events` is not empty. */
export function encodeEvents(encoding: Encoding, events: readonly PublishedEvent[]): Part {
  const { representation, resource } = encoding;
  const [first] = events;
  // A table shows ages, which are of this moment.
  if (first === undefined || representation.as === "Table") return encodeAll(encoding, events);
  const variants = known.get(first) ?? [];
  const found = variants.find((each) => isFor(each, encoding, events));
  if (found !== undefined) return found.part;
  const part = encodeAll(encoding, events);
  if (variants.length === 0) known.set(first, variants);
  if (variants.length < VARIANTS_MAX) variants.push({ events, resource, representation, part });
  return part;
}

function isFor(each: Encoded, encoding: Encoding, events: readonly PublishedEvent[]): boolean {
  return (
    each.resource === encoding.resource &&
    each.representation === encoding.representation &&
    each.events.length === events.length &&
    each.events.every((event, index) => event === events[index])
  );
}

function encodeAll(encoding: Encoding, events: readonly PublishedEvent[]): Part {
  const { type } = encoding.representation;
  const pieces: Buffer[] = [];
  for (const event of events) {
    const object =
      event.type === "BOOKMARK"
        ? documentBytes(type, bookmark(encoding, event))
        : encodeObject(encoding, event.object);
    write(pieces, { type, event: event.type, object });
  }
  return new Part(pieces);
}

/** The event that tells why a watch ends. */
export function encodeError(type: MediaType, status: JsonObject): Part {
  const pieces: Buffer[] = [];
  write(pieces, { type, event: "ERROR", object: documentBytes(type, status) });
  return new Part(pieces);
}

type EventType = PublishedEvent["type"] | "ERROR";

const HEADS: Readonly<Record<EventType, Buffer>> = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
  BOOKMARK: Buffer.from('{"type":"BOOKMARK","object":'),
  ERROR: Buffer.from('{"type":"ERROR","object":'),
};
const LINE_END = Buffer.from("}\n");

/** A line of JSON; or Kubernetes' framing, the length in four bytes and then the event. */
function write(
  pieces: Buffer[],
  { type, event, object }: { type: MediaType; event: EventType; object: Buffer },
): void {
  if (type !== PROTOBUF_TYPE) {
    pieces.push(HEADS[event], object, LINE_END);
    return;
  }
  const head = protobufEventHead(event, object.length);
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(head.length + object.length);
  pieces.push(length, head, object);
}
