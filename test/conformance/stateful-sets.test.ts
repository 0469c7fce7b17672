/** StatefulSets as the real kubectl makes, rolls out and scales them; the nodes are simulated. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { startTestControllers } from "../harness/controllers.ts";
import { type Kubectl, kubectl } from "../harness/kubectl.ts";

const TIMEOUT = { timeout: 60_000 };

let server: TestServer;
let controllers: AsyncDisposable;
let k: Kubectl;

before(async () => {
  server = await startTestServer();
  controllers = await startTestControllers(server, ["n1"]);
  k = await kubectl(server.kubeconfig, server.directory);
}, TIMEOUT);

after(async () => {
  await controllers[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
}, TIMEOUT);

const manifest = (image: string) => `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: c, image: "${image}"}]}
`;

const rollout = (...words: readonly string[]) => k.ok(["rollout", ...words]);

test("apply, rollout status, get and describe", TIMEOUT, async () => {
  const input = manifest("app:v1");
  assert.match(await k.ok(["apply", "-f", "-"], { input }), /statefulset.apps\/db created/);
  assert.match(
    await rollout("status", "sts/db", "--timeout=20s"),
    /partitioned roll out complete: 2 new pods have been updated/,
  );
  assert.match(await k.ok(["apply", "-f", "-"], { input }), /unchanged/);
  assert.match(
    await k.ok(["get", "sts", "-o=wide"]),
    /^NAME\s+READY\s+AGE\s+CONTAINERS\s+IMAGES\ndb\s+2\/2\s+\d+s\s+c\s+app:v1/,
  );
  assert.match(
    await k.ok(["describe", "sts", "db"]),
    /Replicas:\s+2 desired \| 2 total.*create Pod db-1 in StatefulSet db successful/s,
  );
  assert.equal(
    await k.ok(["get", "pods", "-l=apps.kubernetes.io/pod-index=1", "-o=name"]),
    "pod/db-1\n",
  );
  assert.match(await k.ok(["explain", "sts.spec.ordinals.start"]), /FIELD: start <integer>/);
});

test("an update, its history, undo and restart", TIMEOUT, async () => {
  await k.ok(["set", "image", "sts/db", "c=app:v2"]);
  await rollout("status", "sts/db", "--timeout=20s");
  const images = () => k.ok(["get", "pods", "-o=jsonpath={.items[*].spec.containers[0].image}"]);
  assert.equal(await images(), "app:v2 app:v2");
  assert.match(
    await rollout("history", "sts/db"),
    /REVISION\s+CHANGE-CAUSE\n1\s+<none>\n2\s+<none>/,
  );
  assert.match(await rollout("history", "sts/db", "--revision=1"), /Image:\s+app:v1/);
  await rollout("undo", "sts/db");
  await rollout("status", "sts/db", "--timeout=20s");
  assert.equal(await images(), "app:v1 app:v1");
  const uid = () => k.ok(["get", "pod", "db-0", "-o=jsonpath={.metadata.uid}"]);
  const before = await uid();
  await rollout("restart", "sts/db");
  await rollout("status", "sts/db", "--timeout=20s");
  assert.notEqual(await uid(), before);
});

test("scale, by the sub-resource, and what may not change", TIMEOUT, async () => {
  await k.ok(["scale", "sts/db", "--replicas=3"]);
  await rollout("status", "sts/db", "--timeout=20s");
  const scale = "-o=jsonpath={.spec.replicas} {.status.replicas} {.status.selector}";
  assert.equal(await k.ok(["get", "sts/db", "--subresource=scale", scale]), "3 3 app=db");
  await k.ok(["scale", "sts/db", "--replicas=1"]);
  await k.ok(["wait", "pod/db-1", "--for=delete", "--timeout=20s"]);
  const refused = await k.run(["patch", "sts", "db", '-p={"spec":{"serviceName":"x"}}']);
  assert.match(refused.stderr, /updates to statefulset spec for fields other than 'replicas'/);
});

test("delete leaves or takes the pods, as asked", TIMEOUT, async () => {
  await k.ok(["delete", "sts", "db", "--cascade=orphan"]);
  assert.equal(await k.ok(["get", "pods", "-o=name"]), "pod/db-0\n");
  await k.ok(["apply", "-f", "-"], { input: manifest("app:v1") });
  await rollout("status", "sts/db", "--timeout=20s");
  await k.ok(["delete", "sts", "db"]);
  await k.ok(["wait", "pods", "--all", "--for=delete", "--timeout=20s"]);
});
