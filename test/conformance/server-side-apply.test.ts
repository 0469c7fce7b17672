/** Server-side apply as the real kubectl does it. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:https";
import { after, before, test } from "node:test";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { type Kubectl, kubectl } from "../harness/kubectl.ts";

const TIMEOUT = { timeout: 60_000 };

const SCHEMA = {
  type: "object",
  properties: {
    spec: {
      type: "object",
      properties: {
        whole: { type: "array", items: { type: "integer" } },
        doors: {
          type: "array",
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["name"],
          items: {
            type: "object",
            required: ["name"],
            properties: { name: { type: "string" }, width: { type: "integer" } },
          },
        },
      },
    },
  },
};

let server: TestServer;
let k: Kubectl;

before(async () => {
  server = await startTestServer();
  k = await kubectl(server.kubeconfig, server.directory);
}, TIMEOUT);

after(() => server[Symbol.asyncDispose](), TIMEOUT);

interface Wanted {
  readonly name?: string;
  readonly image?: string;
  readonly replicas?: number;
}

function deployment({ name = "web", image = "a:1", replicas }: Wanted): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
${replicas === undefined ? "" : `  replicas: ${replicas}`}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: "${image}", ports: [{containerPort: 80}]}]}
`;
}

function applyServerSide(input: string, ...flags: string[]) {
  return k.run(["apply", "--server-side", "-f", "-", ...flags], { input });
}

async function managers(name: string): Promise<string> {
  const path =
    "jsonpath={range .metadata.managedFields[*]}{.manager} {.operation} {.subresource};{end}";
  return k.ok(["get", "deploy", name, "--show-managed-fields", "-o", path]);
}

test("creates, changes, and leaves alone", TIMEOUT, async () => {
  const created = await applyServerSide(deployment({ replicas: 2 }));
  assert.equal(created.stdout, "deployment.apps/web serverside-applied\n", created.stderr);
  const version = () => k.ok(["get", "deploy", "web", "-o=jsonpath={.metadata.resourceVersion}"]);
  const first = await version();
  assert.equal((await applyServerSide(deployment({ replicas: 2 }))).code, 0);
  assert.equal(await version(), first, "a write that changes nothing");
  await applyServerSide(deployment({ image: "a:2" }));
  const shown = "-o=jsonpath={.spec.replicas} {.spec.template.spec.containers[0].image}";
  // Nobody else owned the replicas, so they went back to their default.
  assert.equal(await k.ok(["get", "deploy", "web", shown]), "1 a:2");
  assert.equal(await managers("web"), "kubectl Apply ;");
});

test("managed fields are hidden until they are asked for", TIMEOUT, async () => {
  assert.doesNotMatch(await k.ok(["get", "deploy", "web", "-o=yaml"]), /managedFields/);
  const shown = await k.ok(["get", "deploy", "web", "-o=yaml", "--show-managed-fields"]);
  assert.match(shown, /f:containers:\n\s+k:\{"name":"main"\}:\n\s+\.: \{\}\n\s+f:image: \{\}/);
});

test("a conflict is told with its manager and path, and force ends it", TIMEOUT, async () => {
  await k.ok(["scale", "deploy/web", "--replicas=4"]);
  const refused = await applyServerSide(deployment({ replicas: 2, image: "a:2" }));
  assert.equal(refused.code, 1);
  const why = 'conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas';
  assert.ok(
    refused.stderr.startsWith(`error: Apply failed with 1 conflict: ${why}\n`),
    refused.stderr,
  );
  assert.equal(await managers("web"), "kubectl Apply ;kubectl Update scale;");
  const forced = await applyServerSide(
    deployment({ replicas: 2, image: "a:2" }),
    "--force-conflicts",
  );
  assert.equal(forced.code, 0, forced.stderr);
  assert.equal(await managers("web"), "kubectl Apply ;");
  assert.equal(await k.ok(["get", "deploy", "web", "-o=jsonpath={.spec.replicas}"]), "2");
});

test("two managers share an object", TIMEOUT, async () => {
  const labels = (key: string) =>
    `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, labels: {${key}: "1"}}}`;
  await k.ok(["apply", "--server-side", "-f", "-", "--field-manager=one"], { input: labels("a") });
  await k.ok(["apply", "--server-side", "-f", "-", "--field-manager=two"], { input: labels("b") });
  await k.ok(["apply", "--server-side", "-f", "-", "--field-manager=one"], { input: labels("c") });
  const shown = await k.ok(["get", "deploy", "web", "-o=jsonpath={.metadata.labels}"]);
  assert.deepEqual(JSON.parse(shown), { b: "1", c: "1" });
});

test("a dry run and a diff change nothing", TIMEOUT, async () => {
  const dry = await applyServerSide(deployment({ image: "dry" }), "--dry-run=server", "-o=yaml");
  assert.match(dry.stdout, /image: dry/);
  const fresh = await applyServerSide(deployment({ name: "none" }), "--dry-run=server");
  assert.equal(fresh.stdout, "deployment.apps/none serverside-applied (server dry run)\n");
  const diff = await k.run(["diff", "--server-side", "-f", "-"], {
    input: deployment({ image: "b:9" }),
  });
  assert.equal(diff.code, 1, diff.stderr);
  assert.match(diff.stdout, /^\+.*image: b:9/m);
  const { code } = await k.run(["get", "deploy", "none"]);
  assert.equal(code, 1);
  const image = "-o=jsonpath={.spec.template.spec.containers[0].image}";
  assert.equal(await k.ok(["get", "deploy", "web", image]), "a:2");
});

test("takes over from client-side apply, and back", TIMEOUT, async () => {
  const side = deployment({ name: "side", image: "a:1", replicas: 3 });
  await k.ok(["apply", "-f", "-"], { input: side });
  assert.equal(await managers("side"), "kubectl-client-side-apply Update ;");
  const taken = await applyServerSide(deployment({ name: "side", image: "a:2", replicas: 3 }));
  assert.equal(taken.code, 0, taken.stderr);
  assert.equal(await managers("side"), "kubectl Apply ;kubectl-last-applied Apply ;");
  const less = await applyServerSide(deployment({ name: "side", image: "a:2" }));
  assert.equal(less.code, 0, less.stderr);
  assert.equal(
    await k.ok(["get", "deploy", "side", "-o=jsonpath={.spec.replicas}"]),
    "1",
    "what client-side apply had set is given up",
  );
  const back = await k.ok(["apply", "-f", "-"], {
    input: deployment({ name: "side", image: "a:3" }),
  });
  assert.match(back, /configured/);
});

test("the status has owners of its own", TIMEOUT, async () => {
  const input = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
status: {observedGeneration: 7, conditions: [{type: Mine, status: "True", reason: R, message: m}]}
`;
  const args = ["apply", "--server-side", "--subresource=status", "--field-manager=me", "-f", "-"];
  await k.ok(args, { input });
  const { managedFields } = JSON.parse(
    await k.ok(["get", "deploy", "web", "-o=json", "--show-managed-fields"]),
  ).metadata;
  const mine = managedFields.find((entry: { manager: string }) => entry.manager === "me");
  assert.equal(mine.subresource, "status");
  assert.deepEqual(Object.keys(mine.fieldsV1), ["f:status"]);
  // The main route neither writes nor owns it.
  const main = await applyServerSide(`${input}spec: {minReadySeconds: 1}`, "--field-manager=main");
  assert.equal(main.code, 0, main.stderr);
  const state = await k.ok(["get", "deploy", "web", "-o=jsonpath={.status.observedGeneration}"]);
  assert.equal(state, "7");
});

test("what has no place in the kind, or no name of a manager, is refused", TIMEOUT, async () => {
  const wrong = `${deployment({ name: "wrong" })}  nonsense: 1\n`;
  const { code, stderr } = await applyServerSide(wrong, "--validate=false");
  assert.equal(code, 1);
  assert.match(
    stderr,
    /failed to create typed patch object \(default\/wrong; apps\/v1, Kind=Deployment\): \.spec\.nonsense: field not declared in schema/,
  );
});

test("another spelling of the same value is no change and no conflict", TIMEOUT, async () => {
  const limits = (cpu: string) => `apiVersion: v1
kind: Pod
metadata: {name: spelt}
spec:
  hostNetwork: false
  containers: [{name: a, image: a, resources: {limits: {cpu: "${cpu}"}}}]
`;
  const apply = (cpu: string, manager: string) =>
    k.ok(["apply", "--server-side", `--field-manager=${manager}`, "-f", "-"], {
      input: limits(cpu),
    });
  const version = () => k.ok(["get", "pod", "spelt", "-o=jsonpath={.metadata.resourceVersion}"]);
  await apply("1000m", "one");
  await apply("1", "two");
  const before = await version();
  await apply("1000m", "two");
  assert.equal(await version(), before);
});

test("custom resources merge by their schema", TIMEOUT, async () => {
  const definition = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "gates.example.com" },
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { plural: "gates", kind: "Gate" },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: SCHEMA } }],
    },
  };
  await k.ok(["apply", "--server-side", "-f", "-"], { input: JSON.stringify(definition) });
  await k.ok(["wait", "--for=condition=Established", "crd/gates.example.com"]);
  const gate = (spec: object) =>
    JSON.stringify({ apiVersion: "example.com/v1", kind: "Gate", metadata: { name: "g" }, spec });
  const apply = (spec: object, ...flags: string[]) =>
    k.run(["apply", "--server-side", "-f", "-", ...flags], { input: gate(spec) });
  assert.equal((await apply({ doors: [{ name: "a", width: 1 }], whole: [1] })).code, 0);
  const more = await apply({ doors: [{ name: "b" }] }, "--field-manager=other");
  assert.equal(more.code, 0, more.stderr);
  const conflict = await apply({ whole: [2] }, "--field-manager=other");
  assert.match(conflict.stderr, /1 conflict: conflict with "kubectl": \.spec\.whole\n/);
  const spec = JSON.parse(await k.ok(["get", "gate", "g", "-o=jsonpath={.spec}"]));
  assert.deepEqual(spec, { doors: [{ name: "a", width: 1 }, { name: "b" }], whole: [1] });
});

test("managed fields can be taken away", TIMEOUT, async () => {
  const patch = '{"metadata":{"managedFields":[{}]}}';
  await k.ok(["patch", "deploy", "web", "--type=merge", `-p=${patch}`]);
  assert.equal(await managers("web"), "");
  await k.ok(["label", "deploy", "web", "x=y"]);
  assert.equal(await managers("web"), "", "and are not tracked anew until somebody applies");
  await k.ok(["apply", "--server-side", "-f", "-", "--field-manager=new"], {
    input: "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, labels: {z: '1'}}}",
  });
  assert.equal(await managers("web"), "new Apply ;before-first-apply Update ;");
});

test("partial metadata has managed fields, tables have none", TIMEOUT, async () => {
  const { admin, authority } = server;
  const base = `https://127.0.0.1:${server.server.restPort}`;
  const ask = async (as: string): Promise<string> => {
    const asking = request(`${base}/apis/apps/v1/namespaces/default/deployments`, {
      headers: { accept: `application/json;as=${as};v=v1;g=meta.k8s.io` },
      ca: authority.certificate,
      cert: admin.certificate,
      key: admin.key,
    });
    asking.end();
    const [response] = await once(asking, "response");
    return Buffer.concat(await response.toArray()).toString();
  };
  assert.match(await ask("PartialObjectMetadataList"), /"managedFields":\[\{"manager":"new"/);
  assert.doesNotMatch(await ask("Table"), /managedFields/);
});
