/** What an extension API server says that it serves: its APIResourceList, as rows of the table of kinds. Pure. */
import type { JsonObject } from "#lib/json";
import type { Resource, Subresource, Verb } from "#resources";
import { isObject } from "../chain/object-meta.ts";
import type { GroupVersion } from "./api-services.ts";

/** Throws an Error for what is no such list. */
export function extensionKinds(text: string, served: GroupVersion): readonly Resource[] {
  const list: unknown = JSON.parse(text);
  if (!isObject(list) || !Array.isArray(list["resources"]))
    throw new Error("the answer is no APIResourceList");
  const all = list["resources"].filter(isObject);
  const rows = new Map<string, Resource>();
  for (const each of all) {
    const name = textOf(each, "name");
    if (name !== "" && !name.includes("/")) rows.set(name, rowOf(name, each, served));
  }
  for (const each of all) {
    const [plural = "", ...behind] = textOf(each, "name").split("/");
    if (plural === "" || behind.length === 0) continue;
    // Some have parts of what is theirs nowhere else: metrics of pods, without pods.
    const row = rows.get(plural) ?? nothingBut(plural, each, served);
    const subresources = [...row.subresources, partOf(behind.join("/"), each)];
    rows.set(plural, { ...row, subresources });
  }
  return [...rows.values()];
}

function rowOf(plural: string, said: JsonObject, { group, version }: GroupVersion): Resource {
  return {
    group,
    version,
    kind: textOf(said, "kind"),
    plural,
    singular: textOf(said, "singularName"),
    shortNames: texts(said, "shortNames"),
    categories: texts(said, "categories"),
    namespaced: said["namespaced"] === true,
    verbs: texts(said, "verbs") as readonly Verb[],
    subresources: [],
  };
}

function nothingBut(plural: string, said: JsonObject, served: GroupVersion): Resource {
  return rowOf(plural, { namespaced: said["namespaced"] === true }, served);
}

function partOf(name: string, said: JsonObject): Subresource {
  const { group, kind, version } = said;
  return {
    name,
    ...(typeof group === "string" && group !== "" ? { group } : {}),
    ...(typeof version === "string" && version !== "" ? { version } : {}),
    ...(typeof kind === "string" ? { kind } : {}),
    verbs: texts(said, "verbs") as readonly Verb[],
  };
}

function textOf(said: JsonObject, field: string): string {
  const value = said[field];
  return typeof value === "string" ? value : "";
}

function texts(said: JsonObject, field: string): readonly string[] {
  const value = said[field];
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}
