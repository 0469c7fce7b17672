import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { RESOURCES } from "#resources";
import { messageNamed } from "./index.ts";

/** A table of Kubernetes' types, fields and numbers that was checked against its sources. Not part of the project. */
const shared = process.env["NARU_SHARED"] ?? join(dirname(import.meta.dirname), "../../shared");
const folder = join(shared, "kubernetes-api/facts");
const skip = existsSync(folder) ? false : `Kubernetes' facts are not at ${folder}`;

interface Facts {
  readonly name: string;
  readonly types: Readonly<Record<string, { fields?: readonly FactField[]; map?: string }>>;
}
interface FactField {
  readonly json?: string;
  readonly num?: number;
  readonly inline?: boolean;
  readonly proto?: string;
}
interface FactResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

test("every message and field of Kubernetes is described, with its number", { skip }, () => {
  const files = skip ? [] : readdirSync(folder);
  const missing = files
    .filter((file) => file !== "index.json" && file !== "special.json")
    .flatMap((file) => missingOf(JSON.parse(readFileSync(join(folder, file), "utf8")) as Facts));
  assert.deepEqual(missing, []);
});

function missingOf(facts: Facts): string[] {
  const dot = facts.name.lastIndexOf(".");
  const pack = `${facts.name.split(".")[0]}.${facts.name.slice(dot + 1)}`;
  return Object.entries(facts.types)
    .filter(([, type]) => type.map === undefined)
    .flatMap(([name, type]) => {
      const message = messageNamed(`${pack}.${name}`);
      if (message === undefined) return [`${pack}.${name}`];
      const fields = (type.fields ?? []).filter((field) => field.num !== undefined);
      return fields
        .filter((field) => !hasField(message, field))
        .map((f) => `${pack}.${name}.${f.json ?? f.proto}`);
    });
}

function hasField(message: NonNullable<ReturnType<typeof messageNamed>>, fact: FactField): boolean {
  const name = fact.inline ? fact.proto : fact.json;
  return message.own.some((field) => field.name === name && field.number === fact.num);
}

test("RESOURCES agrees with what a Kubernetes API server says of the same kinds", { skip }, () => {
  const file = join(shared, "kubernetes-api/resources-1.20.json");
  const rows = JSON.parse(readFileSync(file, "utf8")) as readonly FactResource[];
  for (const resource of RESOURCES) {
    const row = rows.find(
      (fact) =>
        fact.group === resource.group &&
        fact.version === resource.version &&
        fact.resource === resource.plural,
    );
    // Two kinds became v1 after 1.20.
    if (row === undefined) continue;
    // Services can be deleted as a collection since 1.23.
    const verbs = resource.plural === "services" ? [...row.verbs, "deletecollection"] : row.verbs;
    assert.deepEqual(
      {
        namespaced: resource.namespaced,
        shortNames: resource.shortNames,
        categories: resource.categories,
        verbs: resource.verbs.toSorted(),
      },
      {
        namespaced: row.namespaced,
        shortNames: row.shortNames ?? [],
        categories: row.categories ?? [],
        verbs: verbs.toSorted(),
      },
      resource.plural,
    );
  }
});
