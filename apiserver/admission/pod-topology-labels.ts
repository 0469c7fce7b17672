import type { JsonObject } from "#lib/json";
import { nodes, pods } from "#resources";
import { metaOf, objectAt, withMeta } from "../chain/object-meta.ts";
import type { AdmissionRequest, Reader } from "../chain/steps.ts";
import type { Plugin } from "./plugin.ts";

const COPIED = ["topology.kubernetes.io/region", "topology.kubernetes.io/zone"];

/** Tells a pod where its node is: labels of the node's place go to the binding, and with it to the pod. KEP-4742. */
export const podTopologyLabels: Plugin = (request, reader) => {
  const { object } = request;
  if (object === undefined || request.resource !== pods || request.operation !== "CREATE")
    return undefined;
  const node = nodeOf(request, object);
  return node === undefined ? undefined : withPlace(object, node, reader);
};

function nodeOf({ subresource }: AdmissionRequest, object: JsonObject): string | undefined {
  const name =
    subresource === "binding"
      ? objectAt(object, "target")["name"]
      : subresource === undefined
        ? objectAt(object, "spec")["nodeName"]
        : undefined;
  return typeof name === "string" && name !== "" ? name : undefined;
}

async function withPlace(
  object: JsonObject,
  node: string,
  reader: Reader,
): Promise<JsonObject | undefined> {
  const found = await reader.get(nodes, undefined, node);
  const { labels = {} } = metaOf(found?.json ?? {});
  const place = COPIED.flatMap((key) => {
    const value = labels[key];
    return value === undefined ? [] : [[key, value] as const];
  });
  if (place.length === 0) return undefined;
  return withMeta(object, { labels: { ...metaOf(object).labels, ...Object.fromEntries(place) } });
}
