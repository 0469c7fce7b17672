import type { JsonObject } from "#lib/json";
import type { IngressClass } from "#proto/networking/v1";
import { ingressClasses } from "#resources";
import { metaOf } from "../chain/object-meta.ts";
import type { Reader } from "../chain/steps.ts";
import { CLASS_ANNOTATION } from "../rules/networking/ingress.ts";
import { isCreateOf, type Plugin } from "./plugin.ts";

const DEFAULT_ANNOTATION = "ingressclass.kubernetes.io/is-default-class";

/** Gives an ingress that names no class the default one: of several the newest, as Kubernetes. */
export const defaultIngressClass: Plugin = (request, reader) => {
  const { object } = request;
  if (!isCreateOf(request, "Ingress") || object === undefined) return undefined;
  const spec = (object["spec"] ?? {}) as JsonObject;
  const isNamed = spec["ingressClassName"] !== undefined;
  if (isNamed || metaOf(object).annotations?.[CLASS_ANNOTATION]) return undefined;
  return withDefault(object, spec, reader);
};

async function withDefault(
  object: JsonObject,
  spec: JsonObject,
  reader: Reader,
): Promise<JsonObject | undefined> {
  const { items } = await reader.list({ resource: ingressClasses });
  const [first] = items
    .map((item) => (item.object as IngressClass).metadata)
    .filter(({ annotations }) => annotations?.[DEFAULT_ANNOTATION] === "true")
    .toSorted(
      (a, b) =>
        (b.creationTimestamp ?? "").localeCompare(a.creationTimestamp ?? "") ||
        (a.name < b.name ? -1 : 1),
    );
  if (first === undefined) return undefined;
  return { ...object, spec: { ...spec, ingressClassName: first.name } };
}
