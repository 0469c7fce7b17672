import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { Pod } from "#proto/core/v1";
import { namespaces } from "#resources";
import type { AdmissionRequest, Reader } from "../../chain/steps.ts";
import { isCreateOf, type Plugin } from "../plugin.ts";
import { refused } from "../refusal.ts";

const ANNOTATION = "scheduler.alpha.kubernetes.io/node-selector";

/** A namespace says by an annotation, as `zone=a,disk=ssd`, which nodes its pods go to. */
export const podNodeSelector: Plugin = (request, reader) => {
  const { namespace, object } = request;
  if (object === undefined || namespace === undefined || !isCreateOf(request, "Pod"))
    return undefined;
  return withSelector(request, object, { namespace, reader });
};

async function withSelector(
  request: AdmissionRequest,
  object: JsonObject,
  { namespace, reader }: { readonly namespace: string; readonly reader: Reader },
): Promise<JsonObject | undefined> {
  const found = await reader.get(namespaces, undefined, namespace);
  const wanted = parseLabels(found?.object.metadata.annotations?.[ANNOTATION] ?? "", namespace);
  const { spec } = object as unknown as Pod;
  const own = spec.nodeSelector ?? {};
  if (Object.entries(wanted).some(([key, value]) => (own[key] ?? value) !== value)) {
    const why = "pod node label selector conflicts with its namespace node label selector";
    throw refused(request, why);
  }
  if (Object.keys(wanted).length === 0) return undefined;
  return {
    ...object,
    spec: { ...spec, nodeSelector: { ...wanted, ...own } } as unknown as JsonObject,
  };
}

function parseLabels(text: string, namespace: string): Readonly<Record<string, string>> {
  const pairs = text.split(",").filter((pair) => pair.trim() !== "");
  return Object.fromEntries(
    pairs.map((pair) => {
      const [key = "", value, ...more] = pair.split("=").map((part) => part.trim());
      if (key !== "" && value !== undefined && more.length === 0) return [key, value];
      const what = `annotation ${ANNOTATION} of namespace ${namespace}`;
      throw new StatusError("InternalError", `${what}: ${JSON.stringify(pair)} is not key=value`);
    }),
  );
}
