import type { JsonObject, JsonValue } from "#lib/json";
import type { Resource } from "#resources";
import type { Manifest } from "./manifest.ts";

const WRITES = ["create", "delete", "get", "patch"] as const;

/**
 * The kinds that a CustomResourceDefinition defines, so that its objects may stand in the same files. What is wrong with
 * the definition the server says.
 */
export function kindsDefinedBy({ apiVersion, kind, object }: Manifest): readonly Resource[] {
  if (kind !== "CustomResourceDefinition" || !apiVersion.startsWith("apiextensions.k8s.io/"))
    return [];
  const spec = objectIn(object, "spec");
  const names = objectIn(spec, "names");
  const [group, own, plural] = [spec["group"], names["kind"], names["plural"]];
  if (typeof group !== "string" || typeof own !== "string" || typeof plural !== "string") return [];
  const { versions } = spec;
  return (Array.isArray(versions) ? versions : []).flatMap((version: JsonValue) => {
    const name = isObject(version) ? version["name"] : undefined;
    if (typeof name !== "string") return [];
    const singular = own.toLowerCase();
    const namespaced = spec["scope"] === "Namespaced";
    const rest = { shortNames: [], categories: [], verbs: WRITES, subresources: [] };
    return [{ group, version: name, kind: own, plural, singular, namespaced, ...rest }];
  });
}

function objectIn(object: JsonObject, key: string): JsonObject {
  const value = object[key];
  return isObject(value) ? value : {};
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
