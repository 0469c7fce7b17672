/**
 * `kubectl apply` on the client's side keeps what it applied in an annotation. kubectl's server-side apply takes those
 * fields over without a conflict, and keeps the annotation up to date, so that one can go back.
 */
import type { JsonObject, JsonValue } from "#lib/json";
import { compare } from "./compare.ts";
import { difference, EMPTY, type FieldSet } from "./field-set.ts";
import type { MapType } from "./field-type.ts";
import { fieldsOfConfiguration } from "./fields-of.ts";
import { isObject } from "./path.ts";

const ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration";
/** Only kubectl's own default name stands for the same person as its annotation. */
export const KUBECTL = "kubectl";

/** What the client applied and nobody changed since. */
export function appliedByClient(type: MapType, live: JsonObject): FieldSet {
  const configuration = parsed(annotationsOf(live)[ANNOTATION]);
  if (configuration === undefined || configuration["apiVersion"] !== live["apiVersion"])
    return EMPTY;
  const { changed } = compare(type, configuration, live);
  const { changed: drifted } = compare(type, live, configuration);
  return difference(difference(fieldsOfConfiguration(type, configuration), changed), drifted);
}

/** The object with the configuration in its annotation, if it has that annotation. */
export function withLastApplied(object: JsonObject, configuration: JsonObject): JsonObject {
  const annotations = annotationsOf(object);
  if (annotations[ANNOTATION] === undefined) return object;
  const applied = withAnnotations(configuration, (all) => {
    const { [ANNOTATION]: _, ...others } = all;
    return others;
  });
  return withAnnotations(object, (all) => ({
    ...all,
    [ANNOTATION]: `${JSON.stringify(applied)}\n`,
  }));
}

function withAnnotations(
  object: JsonObject,
  change: (annotations: JsonObject) => JsonObject,
): JsonObject {
  const metadata = isObject(object["metadata"]) ? object["metadata"] : {};
  if (metadata["annotations"] === undefined) return object;
  return { ...object, metadata: { ...metadata, annotations: change(annotationsOf(object)) } };
}

function annotationsOf(object: JsonObject): JsonObject {
  const { metadata } = object;
  const annotations = isObject(metadata) ? metadata["annotations"] : undefined;
  return isObject(annotations) ? annotations : {};
}

function parsed(text: JsonValue | undefined): JsonObject | undefined {
  if (typeof text !== "string") return undefined;
  try {
    const value = JSON.parse(text) as JsonValue;
    return isObject(value) ? value : undefined;
  } catch {
    // Somebody wrote something else there: then nothing is known.
    return undefined;
  }
}
