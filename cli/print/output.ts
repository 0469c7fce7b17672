import type { JsonObject, JsonValue } from "#lib/json";
import { renderJsonPath } from "#lib/jsonpath";
import { UserError } from "../terminal.ts";
import { formatYaml } from "./yaml.ts";

/** What `-o` may say. "table" and "wide" are printed from the server's Tables. */
export type OutputFormat =
  | { readonly kind: "json" | "name" | "table" | "wide" | "yaml" }
  | { readonly kind: "jsonpath"; readonly template: string };

const PLAIN = ["json", "name", "wide", "yaml"] as const;

export function parseOutput(text: string | undefined): OutputFormat {
  if (text === undefined || text === "") return { kind: "table" };
  const plain = PLAIN.find((each) => each === text);
  if (plain !== undefined) return { kind: plain };
  const template = /^jsonpath=(.*)$/s.exec(text)?.[1];
  if (template !== undefined) return { kind: "jsonpath", template };
  throw new UserError(`-o ${text}: expected wide, yaml, json, name or jsonpath='{…}'`);
}

/** One object or a List in every format but the tables. */
export function formatObject(format: OutputFormat, object: JsonObject): string {
  switch (format.kind) {
    case "json":
      return `${JSON.stringify(object, undefined, 4)}\n`;
    case "yaml":
      return formatYaml(object);
    case "jsonpath":
      return renderJsonPath(format.template, object);
    default:
      return objectsOf(object)
        .map((each) => `${qualifiedName(each)}\n`)
        .join("");
  }
}

/** `deployment.apps/web`: what kubectl prints for -o name, and what it takes as an argument. */
export function qualifiedName(object: JsonObject): string {
  const kind = String(object["kind"]).toLowerCase();
  const [group = ""] = String(object["apiVersion"]).split("/").slice(0, -1);
  const metadata = object["metadata"] as { readonly name?: string } | undefined;
  return `${kind}${group === "" ? "" : `.${group}`}/${metadata?.name ?? ""}`;
}

function objectsOf(object: JsonObject): readonly JsonObject[] {
  const items = object["items"] as JsonValue | undefined;
  return Array.isArray(items) ? (items as readonly JsonObject[]) : [object];
}
