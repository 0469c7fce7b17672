/** Custom resources in several versions, with rules in CEL, and in the API's description. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { JsonObject } from "#lib/json";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { type Kubectl, kubectl } from "../harness/kubectl.ts";
import { startWebhookServer, type WebhookServer } from "../harness/webhook-server.ts";

const TIMEOUT = { timeout: 60_000 };

let server: TestServer;
let k: Kubectl;
let hook: WebhookServer;

before(async () => {
  server = await startTestServer();
  k = await kubectl(server.kubeconfig, server.directory);
  hook = await startWebhookServer();
}, TIMEOUT);

after(async () => {
  await hook[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
}, TIMEOUT);

const spec = (properties: JsonObject): JsonObject => ({
  openAPIV3Schema: {
    type: "object",
    properties: { spec: { type: "object", description: "What is wanted.", properties } },
  },
});

const V1 = {
  name: "v1",
  served: true,
  storage: true,
  schema: spec({ host: { type: "string" }, port: { type: "integer", default: 80 } }),
};
const V1BETA1 = {
  name: "v1beta1",
  served: true,
  storage: false,
  schema: spec({ address: { type: "string" } }),
};

async function define(
  kind: string,
  versions: readonly JsonObject[],
  more: JsonObject = {},
): Promise<void> {
  const plural = `${kind.toLowerCase()}s`;
  const definition = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.net.example.com` },
    spec: {
      group: "net.example.com",
      scope: "Namespaced",
      names: { plural, kind },
      versions,
      ...more,
    },
  };
  await k.ok(["apply", "-f", "-"], { input: JSON.stringify(definition) });
  await k.ok(["wait", "--for=condition=Established", `crd/${plural}.net.example.com`]);
}

function object(kind: string, version: string, name: string, given: JsonObject): string {
  return JSON.stringify({
    apiVersion: `net.example.com/${version}`,
    kind,
    metadata: { name },
    spec: given,
  });
}

const apply = (input: string) => k.ok(["apply", "-f", "-"], { input });

test(
  "without conversion, versions differ in their name and in what they know",
  TIMEOUT,
  async () => {
    await define("Route", [V1, V1BETA1]);
    await apply(object("Route", "v1", "a", { host: "x" }));
    assert.match(await k.ok(["api-versions"]), /net.example.com\/v1\nnet.example.com\/v1beta1/);
    const both = ["get", "routes.v1.net.example.com", "a", "-o"];
    assert.equal(
      await k.ok([...both, "jsonpath={.apiVersion} {.spec}"]),
      'net.example.com/v1 {"host":"x","port":80}',
    );
    const old = ["get", "routes.v1beta1.net.example.com", "-o"];
    assert.equal(
      await k.ok([...old, "jsonpath={.items[*].apiVersion} {.items[*].spec}"]),
      "net.example.com/v1beta1 {}",
    );
    await define("Route", [
      {
        ...V1,
        schema: spec({ host: { type: "string" }, weight: { type: "integer", default: 7 } }),
      },
      V1BETA1,
    ]);
    assert.equal(await k.ok([...both, "jsonpath={.spec}"]), '{"host":"x","weight":7}');
  },
);

test("a webhook converts what is written and what is read, many at once", TIMEOUT, async () => {
  hook.answer = ({ request }) => {
    const { desiredAPIVersion: apiVersion, objects } = request as {
      readonly desiredAPIVersion: string;
      readonly objects: readonly JsonObject[];
    };
    const convertedObjects = objects.map((each) => {
      const {
        address = "",
        host,
        port,
      } = each["spec"] as { address?: string; host?: string; port?: number };
      const [left = "", right = "80"] = address.split(":");
      const converted = apiVersion.endsWith("/v1")
        ? { host: left, port: Number(right) }
        : { address: `${host}:${port}` };
      return { ...each, apiVersion, spec: converted };
    });
    return { result: { status: "Success" }, convertedObjects };
  };
  const clientConfig = { url: `https://127.0.0.1:${hook.port}/convert`, caBundle: hook.caBundle };
  const webhook = { clientConfig, conversionReviewVersions: ["v1"] };
  await define("Peer", [V1, V1BETA1], { conversion: { strategy: "Webhook", webhook } });
  await apply(object("Peer", "v1beta1", "a", { address: "h:81" }));
  await apply(object("Peer", "v1", "b", { host: "i", port: 82 }));
  assert.equal(
    await k.ok([
      "get",
      "peers.v1.net.example.com",
      "a",
      "-o",
      "jsonpath={.spec.host} {.spec.port}",
    ]),
    "h 81",
  );
  hook.asked.length = 0;
  const old = ["get", "peers.v1beta1.net.example.com", "-o"];
  assert.equal(await k.ok([...old, "jsonpath={.items[*].spec.address}"]), "h:81 i:82");
  assert.equal(await k.ok([...old, "name"]), "peer.net.example.com/a\npeer.net.example.com/b\n");
  // The one that was written as v1 had not been shown as v1beta1 before; and nothing is converted twice.
  assert.ok(hook.asked.length <= 1, `asked ${hook.asked.length} times`);
  hook.answer = () => ({ result: { status: "Failure", message: "no way" } });
  const { stderr } = await k.run(["apply", "-f", "-"], {
    input: object("Peer", "v1beta1", "c", { address: "j:1" }),
  });
  assert.match(stderr, /conversion webhook for net.example.com\/v1beta1, Kind=Peer failed: no way/);
});

test(
  "rules in CEL judge objects and their changes, and are refused when they are wrong",
  TIMEOUT,
  async () => {
    const rules = (given: readonly JsonObject[]): JsonObject => ({
      openAPIV3Schema: {
        type: "object",
        properties: {
          spec: {
            type: "object",
            properties: {
              min: { type: "integer" },
              max: { type: "integer" },
              zone: { type: "string" },
            },
            "x-kubernetes-validations": given,
          },
        },
      },
    });
    await define("Range", [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: rules([
          {
            rule: "self.min <= self.max",
            messageExpression: "'min ' + string(self.min) + ' is more than max'",
            fieldPath: ".min",
          },
          { rule: "self.zone == oldSelf.zone", message: "zone is immutable" },
        ]),
      },
    ]);
    const input = (given: JsonObject) => object("Range", "v1", "a", given);
    const refused = await k.run(["apply", "-f", "-"], {
      input: input({ min: 3, max: 2, zone: "x" }),
    });
    assert.match(refused.stderr, /spec.min: Invalid value: "object": min 3 is more than max/);
    await apply(input({ min: 1, max: 2, zone: "x" }));
    await apply(input({ min: 2, max: 2, zone: "x" }));
    const moved = await k.run(["apply", "-f", "-"], {
      input: input({ min: 2, max: 2, zone: "y" }),
    });
    assert.match(moved.stderr, /spec: Invalid value: "object": zone is immutable/);
    await assert.rejects(
      define("Wrong", [
        { name: "v1", served: true, storage: true, schema: rules([{ rule: "self.nope" }]) },
      ]),
      /x-kubernetes-validations\[0\].rule: Invalid value: "self.nope": compilation failed: No such key: nope/,
    );
  },
);

test("explain knows custom kinds, and what they no longer are", TIMEOUT, async () => {
  await define("Note", [V1]);
  assert.match(
    await k.ok(["explain", "notes.spec"]),
    /What is wanted.[\s\S]*host\s+<string>[\s\S]*port\s+<integer>/,
  );
  await define("Note", [{ ...V1, schema: spec({ body: { type: "string" } }) }]);
  assert.match(await k.ok(["explain", "notes.spec"]), /body\s+<string>/);
});

test("a kind that is served no more still takes its objects with it", TIMEOUT, async () => {
  await define("Lamp", [V1]);
  await apply(object("Lamp", "v1", "a", { host: "x" }));
  await define("Lamp", [{ ...V1, served: false }]);
  assert.notEqual((await k.run(["get", "lamps"])).code, 0);
  await k.ok(["delete", "crd", "lamps.net.example.com"]);
  await define("Lamp", [V1]);
  assert.equal(await k.ok(["get", "lamps", "-o", "name"]), "");
});

test("a name belongs to whoever had it first", TIMEOUT, async () => {
  await define("Zone", [V1], { names: { plural: "zones", kind: "Zone", shortNames: ["zn"] } });
  const definition = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "zonks.net.example.com" },
    spec: {
      group: "net.example.com",
      scope: "Cluster",
      names: { plural: "zonks", kind: "Zonk", shortNames: ["zn"] },
      versions: [V1],
    },
  };
  await k.ok(["apply", "-f", "-"], { input: JSON.stringify(definition) });
  await k.ok(["wait", "--for=condition=NamesAccepted=false", "crd/zonks.net.example.com"]);
  await k.ok(["delete", "crd", "zones.net.example.com"]);
  await k.ok(["wait", "--for=condition=Established", "crd/zonks.net.example.com"]);
});
