/** What a conversion webhook is sent, and what it may answer. Pure. */
import { isDeepStrictEqual } from "node:util";
import type { JsonObject, JsonValue } from "#lib/json";
import { isList, isObject } from "./schema/schema.ts";

export function reviewOf(
  uid: string,
  desiredAPIVersion: string,
  objects: readonly JsonObject[],
): JsonObject {
  return {
    kind: "ConversionReview",
    apiVersion: "apiextensions.k8s.io/v1",
    request: { uid, desiredAPIVersion, objects },
  };
}

/** Throws an Error that says what is wrong with the answer. */
export function convertedObjects(
  answer: string,
  uid: string,
  apiVersion: string,
  sent: readonly JsonObject[],
): readonly JsonObject[] {
  const review = JSON.parse(answer) as JsonValue;
  const response = isObject(review) ? review["response"] : undefined;
  if (!isObject(response)) throw new Error("no response provided");
  if (response["uid"] !== uid)
    throw new Error(
      `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response["uid"])}`,
    );
  const result = isObject(response["result"]) ? response["result"] : {};
  if (result["status"] !== "Success") throw new Error(String(result["message"] ?? "unknown error"));
  const objects = response["convertedObjects"];
  const count = isList(objects) ? objects.length : 0;
  if (!isList(objects) || count !== sent.length)
    throw new Error(`expected ${sent.length} converted objects, got ${count}`);
  return objects.map((object, at) => checked(object, sent[at] ?? {}, apiVersion, at));
}

/** A conversion changes neither what an object is nor whose it is: of its metadata labels and annotations alone. */
function checked(
  object: JsonValue,
  before: JsonObject,
  apiVersion: string,
  at: number,
): JsonObject {
  const where = `converted object at index ${at}`;
  if (!isObject(object)) throw new Error(`${where} is no object`);
  if (object["apiVersion"] !== apiVersion)
    throw new Error(
      `${where} has apiVersion ${JSON.stringify(object["apiVersion"])}, expected ${apiVersion}`,
    );
  if (object["kind"] !== before["kind"])
    throw new Error(
      `${where} has kind ${JSON.stringify(object["kind"])}, expected ${JSON.stringify(before["kind"])}`,
    );
  const [now, then] = [metadataOf(object), metadataOf(before)];
  if (
    now["name"] !== then["name"] ||
    now["namespace"] !== then["namespace"] ||
    now["uid"] !== then["uid"]
  )
    throw new Error(`${where} has another name, namespace or uid than was sent`);
  const { annotations, labels } = now;
  const kept = Object.fromEntries(
    Object.entries({ ...then, labels, annotations }).filter(([, value]) => value !== undefined),
  ) as JsonObject;
  return isDeepStrictEqual(kept, now) ? object : { ...object, metadata: kept };
}

function metadataOf(object: JsonObject): JsonObject {
  return isObject(object["metadata"]) ? object["metadata"] : {};
}
