import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import { configMaps, deployments, namespaces, pods, type Resource } from "#resources";
import { TestCores } from "../test-core.ts";
import type { Admission, AdmissionRequest } from "./steps.ts";

const cores = new TestCores();
after(() => cores.close());

/** Notes every question, as `mutate UPDATE pods/status a Pod`. */
function recording(notes: string[]): Admission {
  const note = (phase: string, request: AdmissionRequest): undefined => {
    const { name = "", object, oldObject, operation, resource, subresource } = request;
    const what = subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`;
    const kinds = [object, oldObject].map((each) => String(each?.["kind"] ?? "-")).join(">");
    notes.push(`${phase} ${operation} ${what} ${name} ${kinds}`);
    return undefined;
  };
  return {
    mutate: (request) => note("mutate", request),
    validate: (request) => note("validate", request),
  };
}

const at = (resource: Resource, name?: string, subresource?: string) => ({
  resource,
  ...(resource.namespaced ? { namespace: "default" } : {}),
  ...(name === undefined ? {} : { name }),
  ...(subresource === undefined ? {} : { subresource }),
});

const POD = { metadata: { name: "p" }, spec: { containers: [{ name: "c", image: "x" }] } };
const DEPLOYMENT = {
  metadata: { name: "d" },
  spec: {
    selector: { matchLabels: { a: "b" } },
    template: { metadata: { labels: { a: "b" } }, spec: POD.spec },
  },
};

test("every write passes both phases, as what its route speaks", async () => {
  const notes: string[] = [];
  const api = (await cores.open({ admission: recording(notes) })).as({ name: "eve", groups: [] });
  const asked = async (action: Promise<unknown>): Promise<string[]> => {
    await action;
    const [mutated, validated, ...more] = notes.splice(0);
    assert.equal(mutated?.replace("mutate ", ""), validated?.replace("validate ", ""));
    return [validated?.replace("validate ", "") ?? "", ...more];
  };
  const merge = (body: JsonObject) => ({ type: "merge", body }) as const;
  assert.deepEqual(await asked(api.create(at(pods), POD)), ["CREATE pods p Pod>-"]);
  assert.deepEqual(await asked(api.patch(at(pods, "p", "status"), merge({ status: {} }))), [
    "UPDATE pods/status p Pod>Pod",
  ]);
  const binding = { kind: "Binding", target: { name: "n1" } };
  assert.deepEqual(await asked(api.create(at(pods, "p", "binding"), binding)), [
    "CREATE pods/binding p Binding>-",
  ]);
  assert.deepEqual(await asked(api.create(at(pods, "p", "eviction"), { kind: "Eviction" })), [
    "CREATE pods/eviction p Eviction>-",
  ]);
  assert.deepEqual(await asked(api.delete(at(pods, "p"), { gracePeriodSeconds: 0 })), [
    "DELETE pods p ->Pod",
  ]);
  await asked(api.create(at(deployments), DEPLOYMENT));
  const scaled = merge({ spec: { replicas: 3 } });
  assert.deepEqual(await asked(api.patch(at(deployments, "d", "scale"), scaled)), [
    "UPDATE deployments/scale d Scale>Scale",
  ]);
  await asked(api.create({ resource: namespaces }, { metadata: { name: "n" } }));
  const finalized = { metadata: { name: "n" }, spec: { finalizers: [] } };
  assert.deepEqual(await asked(api.update(at(namespaces, "n", "finalize"), finalized)), [
    "UPDATE namespaces/finalize n Namespace>Namespace",
  ]);
  await asked(api.deleteCollection(at(deployments), {}));
});

test("what admission changes is validated, and keeps its identity", async () => {
  const seen: JsonObject[] = [];
  const admission: Admission = {
    mutate: ({ object }) => ({
      ...object,
      metadata: { ...(object?.["metadata"] as JsonObject), uid: "forged", name: "other" },
      data: { "no key!": "" },
    }),
    validate: ({ object }) => {
      seen.push(object ?? {});
      return undefined;
    },
  };
  const api = (await cores.open({ admission })).as({ name: "eve", groups: [] });
  const refused = (action: Promise<unknown>) =>
    assert.rejects(action, (error) => {
      assert(StatusError.is(error, "Invalid"));
      assert.match(error.message, /^ConfigMap "m" is invalid: data\[no key!\]: Invalid value/);
      return true;
    });
  await refused(api.create(at(configMaps), { metadata: { name: "m" } }));
  // Built-in rules come first: nobody outside is asked about what they refuse.
  assert.deepEqual(seen, []);
});
