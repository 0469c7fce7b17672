/** ReplicationControllers and pod templates as the real kubectl sees them; the nodes are simulated. */
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

const WEB = `apiVersion: v1
kind: ReplicationController
metadata: {name: web}
spec:
  replicas: 2
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: app}]}
`;

const ready = (count: number) =>
  k.ok(["wait", "rc/web", `--for=jsonpath={.status.readyReplicas}=${count}`, "--timeout=20s"]);

test("a ReplicationController keeps its pods, by its template's labels", TIMEOUT, async () => {
  await k.ok(["apply", "-f", "-"], { input: WEB });
  await ready(2);
  assert.match(await k.ok(["apply", "-f", "-"], { input: WEB }), /unchanged/);
  assert.match(
    await k.ok(["get", "rc", "-o=wide"]),
    /^NAME\s+DESIRED\s+CURRENT\s+READY\s+AGE\s+CONTAINERS\s+IMAGES\s+SELECTOR\nweb\s+2\s+2\s+2\s+\d+s\s+c\s+app\s+app=web/,
  );
  const columns = "-o=jsonpath={.items[*].metadata.ownerReferences[0].kind}";
  const kind = "ReplicationController";
  assert.equal(await k.ok(["get", "pods", columns]), `${kind} ${kind}`);
  assert.match(await k.ok(["describe", "rc", "web"]), /Replicas:\s+2 current \/ 2 desired/);
});

test("scale goes both ways, and the sub-resource has the selector", TIMEOUT, async () => {
  await k.ok(["scale", "rc", "web", "--replicas=3"]);
  await ready(3);
  await k.ok(["scale", "rc", "web", "--current-replicas=3", "--replicas=1"]);
  await ready(1);
  const scale = "-o=jsonpath={.spec.replicas} {.status.selector}";
  assert.equal(await k.ok(["get", "rc/web", "--subresource=scale", scale]), "1 app=web");
});

test(
  "a pod that no longer matches is let go, and one that matches is adopted",
  TIMEOUT,
  async () => {
    const name = (await k.ok(["get", "pods", "-l=app=web", "-o=name"])).trim();
    await k.ok(["label", name, "app=other", "--overwrite"]);
    await k.ok(["wait", name, "--for=jsonpath={.metadata.labels.app}=other", "--timeout=20s"]);
    await ready(1);
    await k.ok(["delete", "rc", "web", "--cascade=orphan"]);
    await k.ok(["create", "-f", "-"], { input: WEB });
    await ready(2);
    assert.equal(
      (await k.ok(["get", "pods", "-l=app=web", "-o=name"])).trim().split("\n").length,
      2,
    );
    await k.ok(["delete", "rc", "web"]);
    await k.ok(["delete", name]);
  },
);

test("what cannot be is refused", TIMEOUT, async () => {
  const input = WEB.replace("replicas: 2", "replicas: 2\n  selector: {app: other}");
  const { stderr } = await k.run(["create", "-f", "-"], { input });
  assert.match(stderr, /`selector` does not match template `labels`/);
});

test("a PodTemplate is kept, with a pod's defaults", TIMEOUT, async () => {
  const input = `apiVersion: v1
kind: PodTemplate
metadata: {name: base}
template:
  metadata: {labels: {app: base}}
  spec: {containers: [{name: c, image: app}]}
`;
  await k.ok(["create", "-f", "-"], { input });
  assert.match(
    await k.ok(["get", "podtemplate"]),
    /^NAME\s+CONTAINERS\s+IMAGES\s+POD LABELS\nbase\s+c\s+app\s+app=base/,
  );
  const policy = "-o=jsonpath={.template.spec.restartPolicy}";
  assert.equal(await k.ok(["get", "podtemplate", "base", policy]), "Always");
  const bad = input.replace("name: base", "name: bad").replace("image: app", "image: ''");
  const { stderr } = await k.run(["create", "-f", "-"], { input: bad });
  assert.match(stderr, /template.spec.containers\[0\].image: Required value/);
});
