/** Which part of an object a route writes, and so lets its caller own: Kubernetes' "reset fields". */
import type { JsonObject } from "#lib/json";
import type { Resource } from "#resources";

const ON_STATUS_ROUTE = new Set(["apiVersion", "kind", "metadata", "status"]);

/** The status is written by its own route alone, and that route writes nothing else but metadata. */
export function writablePart(
  resource: Resource,
  subresource: string | undefined,
  object: JsonObject,
): JsonObject {
  if (subresource === "status") {
    const part = Object.entries(object).filter(([name]) => ON_STATUS_ROUTE.has(name));
    return Object.fromEntries(part);
  }
  if (!resource.subresources.some(({ name }) => name === "status")) return object;
  const { status: _, ...rest } = object;
  return rest;
}
