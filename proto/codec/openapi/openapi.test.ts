import assert from "node:assert/strict";
import { test } from "node:test";
import { RESOURCES } from "#resources";
import { ProtobufReader } from "../protobuf-reader.ts";
import { openApiSource } from "./index.ts";

const source = openApiSource({ version: "v1.36.0" });

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> };
  readonly "x-kubernetes-group-version-kind": unknown;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}
interface Schema {
  readonly properties?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly required?: readonly string[];
  readonly "x-kubernetes-group-version-kind"?: readonly unknown[];
}

async function v3(path: string): Promise<Document> {
  return JSON.parse((await source.v3(path)).toString()) as Document;
}

test("v3 says on writes what kubectl looks for: fieldValidation, the kind, strategic merge", async () => {
  const { paths } = await v3("apis/apps/v1");
  const one = paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"];
  const all = paths["/apis/apps/v1/namespaces/{namespace}/deployments"];
  for (const operation of [all?.["post"], one?.["put"], one?.["patch"]]) {
    assert.ok(operation?.parameters?.some(({ name }) => name === "fieldValidation"));
    assert.deepEqual(operation?.["x-kubernetes-group-version-kind"], {
      group: "apps",
      kind: "Deployment",
      version: "v1",
    });
  }
  const types = Object.keys(one?.["patch"]?.requestBody?.content ?? {});
  assert.ok(types.includes("application/strategic-merge-patch+json"));
  assert.ok(types.includes("application/apply-patch+yaml"));
});

test("v3 has schemas as Kubernetes names them, with what patching needs", async () => {
  const { schemas } = (await v3("api/v1")).components;
  const spec = schemas["io.k8s.api.core.v1.PodSpec"];
  const containers = spec?.properties?.["containers"];
  assert.equal(containers?.["x-kubernetes-patch-merge-key"], "name");
  assert.equal(containers?.["x-kubernetes-patch-strategy"], "merge");
  assert.equal(containers?.["x-kubernetes-list-type"], "map");
  assert.deepEqual(spec?.required, ["containers"]);
  assert.deepEqual(schemas["io.k8s.api.core.v1.Pod"]?.["x-kubernetes-group-version-kind"], [
    { group: "", kind: "Pod", version: "v1" },
  ]);
});

test("v3 is closed: every reference leads to a schema, and operation ids are unique", async () => {
  for (const path of source.paths) {
    const text = (await source.v3(path)).toString();
    const { components, paths } = JSON.parse(text) as Document;
    const names = [...text.matchAll(/#\/components\/schemas\/([\w.]+)/g)].map(([, name]) => name);
    assert.deepEqual(
      names.filter((name) => components.schemas[name ?? ""] === undefined),
      [],
    );
    const ids = Object.values(paths).flatMap((item) =>
      Object.values(item).flatMap(({ operationId }) => operationId ?? []),
    );
    assert.equal(new Set(ids).size, ids.length, path);
  }
});

test("v2 describes every served kind, also as protobuf", async () => {
  const { definitions } = JSON.parse((await source.v2Json()).toString()) as {
    readonly definitions: Readonly<Record<string, Schema>>;
  };
  const kinds = JSON.stringify(
    Object.values(definitions).map((schema) => schema["x-kubernetes-group-version-kind"]),
  );
  for (const { group, kind, version } of RESOURCES) {
    assert.ok(kinds.includes(JSON.stringify({ group, kind, version })), kind);
  }
  const bytes = await source.v2Protobuf();
  const reader = new ProtobufReader(bytes, 0);
  const fields: number[] = [];
  while (reader.at < bytes.length) {
    const tag = reader.varint();
    fields.push(Math.floor(tag / 8));
    reader.skip(tag & 7, bytes.length);
  }
  assert.deepEqual(fields, [1, 2, 8, 9]);
});

test("every field of every served kind says what it is", async () => {
  const silent: string[] = [];
  for (const path of source.paths) {
    const { schemas } = (await v3(path)).components;
    for (const [name, schema] of Object.entries(schemas)) {
      const fields = Object.entries(schema.properties ?? {});
      silent.push(
        ...fields.filter(([, field]) => !field["description"]).map(([field]) => `${name}.${field}`),
      );
    }
  }
  assert.deepEqual(silent, []);
});
