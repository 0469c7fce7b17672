/** The objects of a request and its answer, as events hold them: JSON on one line. */
import type { JsonObject, JsonValue } from "#lib/json";
import { apiVersionOf, type Resource } from "#resources";
import { isObject } from "../chain/object-meta.ts";
import type { Published } from "../chain/published.ts";
import type { Body, PublishedList } from "../chain/steps.ts";

/** What was read or written. */
export type Answered =
  | { readonly object: Published }
  | { readonly resource: Resource; readonly list: PublishedList };

/** What an object's metadata says of it, as far as it does. */
export interface Named {
  readonly name?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
}

/** Undefined when it is no JSON: what cannot be read was not carried out either. */
export function parsedBody(body: Body | JsonValue): JsonValue | undefined {
  if (!(body instanceof Uint8Array)) return body;
  try {
    return JSON.parse(Buffer.from(body).toString("utf8")) as JsonValue;
  } catch {
    return undefined;
  }
}

export function namedBy(value: JsonValue | undefined): Named {
  const metadata = isObject(value) ? value["metadata"] : undefined;
  return isObject(metadata) ? (metadata as Named) : {};
}

/** Undefined for what is too deep to be written: the decoder has refused it. */
export function requestText(value: JsonValue, omitsManagedFields: boolean): string | undefined {
  try {
    return JSON.stringify(omitsManagedFields ? withoutManagedFields(value) : value);
  } catch {
    return undefined;
  }
}

/** Undefined when it is longer than `bytesMax`. */
export function answerText(
  answered: Answered,
  omitsManagedFields: boolean,
  bytesMax: number,
): string | undefined {
  const bytesOf = (object: Published): Buffer =>
    omitsManagedFields ? object.plainBytes : object.bytes;
  if ("object" in answered) {
    const bytes = bytesOf(answered.object);
    return bytes.length > bytesMax ? undefined : bytes.toString("utf8");
  }
  const { list, resource } = answered;
  const items: string[] = [];
  let length = 0;
  for (const item of list.items) {
    const bytes = bytesOf(item);
    length += bytes.length;
    if (length > bytesMax) return undefined;
    items.push(bytes.toString("utf8"));
  }
  const head: JsonObject = {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOf(resource),
    metadata: { resourceVersion: String(list.revision) },
  };
  return `${JSON.stringify(head).slice(0, -1)},"items":[${items.join(",")}]}`;
}

function withoutManagedFields(value: JsonValue): JsonValue {
  if (!isObject(value) || !isObject(value["metadata"])) return value;
  const { managedFields: _, ...metadata } = value["metadata"];
  return { ...value, metadata };
}
