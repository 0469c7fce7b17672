import type { JsonObject } from "#lib/json";
import type { StorageClass } from "#proto/storage/v1";
import { storageClasses } from "#resources";
import type { Reader } from "../chain/steps.ts";
import { isCreateOf, type Plugin } from "./plugin.ts";

const DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class";

/** A claim that names no class gets the default one; one that names the empty class wants none. */
export const defaultStorageClass: Plugin = (request, reader) => {
  const { object } = request;
  if (object === undefined || !isCreateOf(request, "PersistentVolumeClaim")) return undefined;
  const spec = object["spec"] as JsonObject;
  return spec["storageClassName"] === undefined ? withDefault(object, spec, reader) : undefined;
};

async function withDefault(
  object: JsonObject,
  spec: JsonObject,
  reader: Reader,
): Promise<JsonObject | undefined> {
  const { items } = await reader.list({ resource: storageClasses });
  const name = newest(items.map((item) => item.object as StorageClass));
  return name === undefined ? undefined : { ...object, spec: { ...spec, storageClassName: name } };
}

/** Of several defaults the newest counts; of those of one second the first by name. */
function newest(classes: readonly StorageClass[]): string | undefined {
  const defaults = classes
    .filter(({ metadata }) => metadata.annotations?.[DEFAULT_CLASS] === "true")
    .map(({ metadata }) => ({ name: metadata.name, at: metadata.creationTimestamp ?? "" }))
    .toSorted((a, b) => (a.at === b.at ? (a.name < b.name ? -1 : 1) : a.at > b.at ? -1 : 1));
  return defaults[0]?.name;
}
