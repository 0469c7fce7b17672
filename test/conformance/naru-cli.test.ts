/** The built CLI against a server on loopback: what it does with manifests, custom kinds and mistakes. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import type { Outcome } from "../harness/kubectl.ts";
import { runProgram } from "../harness/run.ts";

const TIMEOUT = { timeout: 30_000 };
const NARU = new URL("../../bin/naru", import.meta.url).pathname;

let server: TestServer;
before(async () => {
  server = await startTestServer();
}, TIMEOUT);
after(() => server[Symbol.asyncDispose](), TIMEOUT);

function naru(words: readonly string[], input?: string): Promise<Outcome> {
  const env = { KUBECONFIG: server.kubeconfig };
  return runProgram([NARU, ...words], input === undefined ? { env } : { env, input });
}

async function ok(words: readonly string[], input?: string): Promise<string> {
  const { code, stderr, stdout } = await naru(words, input);
  assert.equal(code, 0, stderr);
  return stdout;
}

async function refusal(words: readonly string[], input?: string): Promise<string> {
  const { code, stderr } = await naru(words, input);
  assert.equal(code, 1);
  return stderr;
}

const BOAT = `---
apiVersion: sea.example.com/v1
kind: Boat
metadata: {name: ferry}
spec: {seats: 12, ports: [north, south]}
`;
const BOATS = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.sea.example.com}
spec:
  group: sea.example.com
  scope: Namespaced
  names: {plural: boats, kind: Boat, shortNames: [bt]}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              seats: {type: integer}
              ports: {type: array, items: {type: string}}
${BOAT}`;

test("a definition and its first object come in one file", TIMEOUT, async () => {
  const made = await ok(["apply", "-f", "-"], BOATS);
  assert.match(made, /boats.sea.example.com created\nboat.sea.example.com\/ferry created\n/);
  assert.match(await ok(["apply", "-f", "-"], BOATS), /ferry unchanged/);
});

test(
  "custom objects are got by every name of their kind, changed, and deleted",
  TIMEOUT,
  async () => {
    for (const name of ["boats", "boat", "bt", "boats.sea.example.com"])
      assert.match(await ok(["get", name]), /NAME +AGE\nferry +\d/);
    const changed = BOAT.replace("seats: 12, ports: [north, south]", "ports: [west]");
    assert.match(await ok(["apply", "-f", "-"], changed), /ferry configured/);
    assert.equal(await ok(["get", "bt/ferry", "-o", "jsonpath={.spec}"]), '{"ports":["west"]}');
    assert.match(await ok(["delete", "boat", "ferry"]), /ferry.* deleted/);
    assert.match((await naru(["get", "boats"])).stderr, /No resources found/);
  },
);

test("a kind that nobody serves is told with what is near", TIMEOUT, async () => {
  assert.match(
    await refusal(["get", "boatz"]),
    /no kind of object called "boatz"; did you mean boats\?/,
  );
  const manifest = BOAT.replace("kind: Boat", "kind: Boot");
  assert.match(
    await refusal(["apply", "-f", "-"], manifest),
    /-:3:1.*no kind Boot.*did you mean Boat\?/,
  );
});

const WEB = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replica: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: main, image: "app:1", imagee: x}]
`;

test("unknown fields are told with their places and what was meant", TIMEOUT, async () => {
  const told = await refusal(["apply", "-f", "-"], WEB);
  assert.match(
    told,
    /-:5:3: deployment\/web: spec.replica: no such field; did you mean replicas\?/,
  );
  assert.match(told, /-:10:\d+: .*imagee: no such field; did you mean image\?/);
});

const POD = `apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: main, image: "app:1"}]}
`;

test("exec takes its options before the dashes, wherever the pod stands", TIMEOUT, async () => {
  await ok(["apply", "-f", "-"], POD);
  for (const words of [
    ["web", "-c", "other"],
    ["-c", "other", "web"],
  ])
    assert.match(await refusal(["exec", ...words, "--", "true"]), /no container "other"/);
  assert.match(await refusal(["exec", "web", "ls", "--", "-l"]), /"ls": write -- directly before/);
});

test("modes and booleans are read as kubectl reads them", TIMEOUT, async () => {
  const volume =
    "apiVersion: v1\nkind: Pod\nmetadata: {name: modes}\nspec:\n  containers: [{name: a, image: b}]\n  volumes: [{name: s, secret: {secretName: s, defaultMode: 0400}}]\n";
  await ok(["apply", "-f", "-"], volume);
  const mode = "jsonpath={.spec.volumes[0].secret.defaultMode}";
  assert.equal(await ok(["get", "pod/modes", "-o", mode]), "256");
  const flags = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: {a: yes}\n";
  assert.match(
    await refusal(["apply", "-f", "-"], flags),
    /-:4:8: .*data\.a|data\[a\].*expected a string/,
  );
});

test("a namespace that is missing is told with what to do", TIMEOUT, async () => {
  const manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: nowhere}\n";
  assert.match(
    await refusal(["apply", "-f", "-"], manifest),
    /namespaces "nowhere" not found; create it first/,
  );
});
