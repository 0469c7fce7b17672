/** The real helm 4, with a chart that the test makes; the nodes are simulated. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { startTestControllers } from "../harness/controllers.ts";
import { type Helm, helm } from "../harness/helm.ts";
import { type Kubectl, kubectl } from "../harness/kubectl.ts";

const TIMEOUT = { timeout: 120_000 };

const CHART = {
  "Chart.yaml": "{apiVersion: v2, name: shop, version: 1.0.0, appVersion: '7'}",
  "values.yaml": "{image: 'shop:1', replicas: 2, motto: open}",
  "crds/tills.yaml": `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: tills.shop.example.com}
spec:
  group: shop.example.com
  scope: Namespaced
  names: {plural: tills, kind: Till}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties: {spec: {type: object, properties: {drawer: {type: string}}}}
`,
  "templates/deployment.yaml": `apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
      - {name: shop, image: {{ .Values.image | quote }}, ports: [{containerPort: 80}]}
`,
  "templates/service.yaml": `apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}}
spec: {selector: {app: shop}, ports: [{port: 80}]}
`,
  "templates/config.yaml": `apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
data:
  motto: {{ .Values.motto }}
  kubernetes: {{ .Capabilities.KubeVersion.Minor | quote }}
  {{- with lookup "v1" "ConfigMap" .Release.Namespace "outside" }}
  outside: {{ .data.word }}
  {{- end }}
`,
  "templates/till.yaml": `apiVersion: shop.example.com/v1
kind: Till
metadata: {name: {{ .Release.Name }}}
spec: {drawer: shut}
`,
  "templates/hook.yaml": `apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-migrate
  annotations: {helm.sh/hook: "pre-install,pre-upgrade", helm.sh/hook-delete-policy: before-hook-creation}
spec:
  template:
    spec: {restartPolicy: Never, containers: [{name: migrate, image: ends}]}
`,
  "templates/NOTES.txt": "The shop is {{ .Values.motto }}.",
} as const;

let server: TestServer;
let controllers: AsyncDisposable;
let h: Helm;
let k: Kubectl;
let chart: string;

before(async () => {
  server = await startTestServer();
  controllers = await startTestControllers(server, ["n1"]);
  chart = join(server.directory, "shop");
  for (const [name, text] of Object.entries(CHART)) {
    await mkdir(join(chart, name, ".."), { recursive: true });
    await writeFile(join(chart, name), text);
  }
  h = await helm(server.kubeconfig, server.directory);
  k = await kubectl(server.kubeconfig, server.directory);
}, TIMEOUT);

after(async () => {
  await controllers[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
}, TIMEOUT);

function get(what: string, path: string): Promise<string> {
  return k.ok(["get", ...what.split(" "), `-o=jsonpath=${path}`]);
}

test(
  "install applies a chart with its definition, hook and lookup, and waits",
  TIMEOUT,
  async () => {
    await k.ok(["create", "configmap", "outside", "--from-literal=word=hello"]);
    const out = await h.ok("install", "a", chart, "--wait", "--timeout=60s");
    assert.match(out, /STATUS: deployed\n/);
    assert.match(out, /The shop is open\./);
    assert.equal(await get("deploy a", "{.status.availableReplicas}"), "2");
    assert.equal(await get("job a-migrate", "{.status.succeeded}"), "1");
    assert.equal(await get("till a", "{.spec.drawer}"), "shut");
    assert.equal(await get("configmap a", "{.data.outside} {.data.kubernetes}"), "hello 36");
    const owner = "{.metadata.labels.app\\.kubernetes\\.io/managed-by}";
    assert.equal(await get("service a", owner), "Helm");
  },
);

test("upgrade changes it, and takes out what the chart no longer has", TIMEOUT, async () => {
  await k.ok(["delete", "configmap", "outside"]);
  const out = await h.ok("upgrade", "a", chart, "--set=replicas=3,image=shop:2", "--wait");
  assert.match(out, /Release "a" has been upgraded/);
  assert.equal(
    await get("deploy a", "{.status.availableReplicas} {.spec.template.spec.containers[0].image}"),
    "3 shop:2",
  );
  assert.equal(await get("configmap a", "{.data.outside}"), "");
  assert.match(await get("deploy a --show-managed-fields", "{.metadata.managedFields}"), /"helm"/);
});

test("list, status, get and history know the release", TIMEOUT, async () => {
  assert.match(await h.ok("list"), /^a\s+default\s+2\s+.*deployed\s+shop-1\.0\.0\s+7/m);
  assert.match(await h.ok("status", "a"), /REVISION: 2/);
  assert.match(await h.ok("get", "values", "a"), /image: shop:2\nreplicas: 3/);
  assert.match(await h.ok("get", "manifest", "a"), /kind: Deployment/);
  const history = await h.ok("history", "a");
  assert.match(history, /^1\s.*superseded.*Install complete/m);
  assert.match(history, /^2\s.*deployed.*Upgrade complete/m);
});

test("a failed upgrade says why, and changes nothing that it does not own", TIMEOUT, async () => {
  await k.ok(["scale", "deploy/a", "--replicas=5"]);
  const { code, stderr } = await h.run("upgrade", "a", chart, "--set=replicas=4");
  assert.equal(code, 1);
  assert.match(stderr, /conflict with "kubectl" with subresource "scale".*\.spec\.replicas/s);
  await h.ok("upgrade", "a", chart, "--set=replicas=4", "--force-conflicts");
  assert.equal(await get("deploy a", "{.spec.replicas}"), "4");
});

test("rollback goes back to a revision", TIMEOUT, async () => {
  assert.match(await h.ok("rollback", "a", "1", "--wait"), /Rollback was a success/);
  assert.equal(
    await get("deploy a", "{.spec.replicas} {.spec.template.spec.containers[0].image}"),
    "2 shop:1",
  );
  assert.match(await h.ok("history", "a"), /Rollback to 1/);
});

test("template and dry runs write nothing", TIMEOUT, async () => {
  assert.match(await h.ok("template", "b", chart), /name: b/);
  assert.match(await h.ok("install", "b", chart, "--dry-run=server"), /name: b/);
  assert.equal((await k.run(["get", "deploy", "b"])).code, 1);
});

test("client-side apply still works for it", TIMEOUT, async () => {
  await h.ok("install", "old", chart, "--server-side=false", "--skip-crds", "--wait");
  await h.ok("upgrade", "old", chart, "--server-side=false", "--set=replicas=1", "--wait");
  assert.equal(await get("deploy old", "{.status.availableReplicas}"), "1");
  await h.ok("uninstall", "old");
});

test("uninstall takes everything away but the definitions", TIMEOUT, async () => {
  assert.match(await h.ok("uninstall", "a", "--wait"), /release "a" uninstalled/);
  // helm has waited for what it made; what that had made goes behind it.
  await k.ok(["wait", "--for=delete", "pods", "-l=app=shop", "--timeout=60s"]);
  const left = await k.ok(["get", "deploy,svc,cm,tills,pods", "-o=name", "-l=app!=x"]);
  assert.equal(
    left.replaceAll(
      /^(service\/kubernetes|configmap\/kube-root-ca\.crt|job.*|pod\/.*migrate.*)\n/gm,
      "",
    ),
    "",
  );
  assert.match(await k.ok(["get", "crd", "-o=name"]), /tills\.shop\.example\.com/);
  assert.equal((await h.ok("list", "-q")).trim(), "");
});
