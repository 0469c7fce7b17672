/** The real helm 4 when things go wrong: failed hooks, rollouts that do not come up, rollbacks, and its own tests. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { startTestControllers } from "../harness/controllers.ts";
import { type Helm, helm } from "../harness/helm.ts";
import { type Kubectl, kubectl } from "../harness/kubectl.ts";

const TIMEOUT = { timeout: 120_000 };

/** Simulated nodes never bring up images with `bad` in their name; `ends` and `fails` end. */
const CHART = {
  "Chart.yaml": "{apiVersion: v2, name: shop, version: 1.0.0}",
  "values.yaml": "{image: 'shop:1', replicas: 1, migrate: ends, inspect: ends, strange: false}",
  "templates/deployment.yaml": `apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: shop, image: {{ .Values.image | quote }}}]}
`,
  "templates/strange.yaml": `{{- if .Values.strange }}
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
datum: {a: b}
{{- end }}
`,
  "templates/migrate.yaml": `apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-migrate
  annotations: {helm.sh/hook: pre-upgrade, helm.sh/hook-delete-policy: "before-hook-creation,hook-succeeded"}
spec:
  backoffLimit: 0
  template:
    spec: {restartPolicy: Never, containers: [{name: migrate, image: {{ .Values.migrate }}}]}
`,
  "templates/inspect.yaml": `apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-inspect
  annotations: {helm.sh/hook: test, helm.sh/hook-delete-policy: before-hook-creation}
spec: {restartPolicy: Never, containers: [{name: inspect, image: {{ .Values.inspect }}}]}
`,
  "templates/NOTES.txt": "Come in.",
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

const image = (): Promise<string> =>
  k.ok(["get", "deploy", "a", "-o=jsonpath={.spec.template.spec.containers[0].image}"]);

test("upgrade --install makes a release that is not there yet", TIMEOUT, async () => {
  const out = await h.ok("upgrade", "a", chart, "--install", "--wait", "--timeout=60s");
  assert.match(out, /Release "a" does not exist. Installing it now/);
  assert.match(out, /STATUS: deployed/);
});

test(
  "a rollout that does not come up fails the upgrade, and says so in history",
  TIMEOUT,
  async () => {
    const { code, stderr } = await h.run(
      "upgrade",
      "a",
      chart,
      "--set=image=bad:1",
      "--wait",
      "--timeout=3s",
    );
    assert.equal(code, 1);
    assert.match(stderr, /UPGRADE FAILED[\s\S]*(context deadline exceeded|not ready)/);
    assert.match(await h.ok("status", "a"), /STATUS: failed/);
    assert.match(await h.ok("history", "a"), /^2\s.*failed/m);
    assert.match(await h.ok("list", "--failed"), /^a\s/m);
    assert.match(await h.ok("get", "manifest", "a", "--revision=2"), /image: "bad:1"/);
    assert.match(await h.ok("get", "values", "a", "--revision=2"), /image: bad:1/);
  },
);

test("upgrade goes on after a failure, and rollback --wait behind it", TIMEOUT, async () => {
  await h.ok("upgrade", "a", chart, "--set=image=shop:2", "--wait", "--timeout=60s");
  assert.equal(await image(), "shop:2");
  await h.ok("rollback", "a", "1", "--wait", "--timeout=60s");
  assert.equal(await image(), "shop:1");
  assert.match(await h.ok("history", "a", "-o=json"), /"description":"Rollback to 1"/);
});

test("--rollback-on-failure goes back by itself", TIMEOUT, async () => {
  const options = ["--rollback-on-failure", "--timeout=4s", "--set=image=bad:2"];
  const { code, stderr } = await h.run("upgrade", "a", chart, ...options);
  assert.equal(code, 1);
  assert.match(stderr, /rolled back due to (rollback-on-failure|atomic) being set/);
  assert.equal(await image(), "shop:1");
  assert.match(await h.ok("status", "a"), /STATUS: deployed/);
  const failed = await h.run("install", "b", chart, ...options);
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, /uninstalled due to (rollback-on-failure|atomic) being set/);
  assert.equal((await k.run(["get", "deploy", "b"])).code, 1);
  assert.doesNotMatch(await h.ok("list"), /^b\s/m);
});

test("a hook that fails stops the upgrade before anything is changed", TIMEOUT, async () => {
  const { code, stderr } = await h.run(
    "upgrade",
    "a",
    chart,
    "--set=migrate=fails,image=shop:9",
    "--timeout=30s",
  );
  assert.equal(code, 1);
  assert.match(stderr, /pre-upgrade hooks failed/);
  assert.equal(await image(), "shop:1");
  await h.ok("upgrade", "a", chart, "--set=image=shop:3", "--wait", "--timeout=60s");
  assert.equal((await k.run(["get", "job", "a-migrate"])).code, 1, "hook-succeeded deletes it");
});

test("test runs the chart's tests, and tells how they ended", TIMEOUT, async () => {
  assert.match(
    await h.ok("test", "a", "--timeout=60s"),
    /TEST SUITE:\s+a-inspect[\s\S]*Phase:\s+Succeeded/,
  );
  await h.ok("upgrade", "a", chart, "--set=inspect=fails", "--wait", "--timeout=60s");
  const { code, stderr, stdout } = await h.run("test", "a", "--timeout=30s");
  assert.equal(code, 1);
  assert.match(stdout + stderr, /a-inspect[\s\S]*[Ff]ailed/);
});

test("what the server refuses is told, and leaves no release behind", TIMEOUT, async () => {
  const { code, stderr } = await h.run(
    "install",
    "odd",
    chart,
    "--set=strange=true",
    "--rollback-on-failure",
    "--timeout=20s",
  );
  assert.equal(code, 1);
  assert.match(stderr, /unknown field "datum"|\.datum: field not declared in schema/);
  const again = await h.run("install", "a", chart);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /cannot reuse a name that is still in use/);
  const owned = await h.run("install", "other", chart, "--set=nothing=x", "--name-template=a");
  assert.equal(owned.code, 1);
});

test("get all, hooks, notes and metadata", TIMEOUT, async () => {
  assert.match(await h.ok("get", "notes", "a"), /Come in\./);
  assert.match(await h.ok("get", "hooks", "a"), /helm.sh\/hook: pre-upgrade/);
  assert.match(await h.ok("get", "metadata", "a"), /^NAME: a$/m);
  assert.match(await h.ok("get", "all", "a"), /COMPUTED VALUES:[\s\S]*MANIFEST:/);
  assert.match(
    await h.ok(
      "upgrade",
      "a",
      chart,
      "--reuse-values",
      "--set=replicas=2",
      "--wait",
      "--timeout=60s",
    ),
    /has been upgraded/,
  );
  assert.match(await h.ok("get", "values", "a", "--all"), /replicas: 2/);
});

test("uninstall may keep the history, from which a rollback brings it back", TIMEOUT, async () => {
  await h.ok("uninstall", "a", "--keep-history", "--wait", "--timeout=60s");
  assert.match(await h.ok("list", "--uninstalled"), /^a\s/m);
  assert.equal((await k.run(["get", "deploy", "a"])).code, 1);
  await h.ok("rollback", "a", "--wait", "--timeout=60s");
  assert.match(await h.ok("status", "a"), /STATUS: deployed/);
  await h.ok("uninstall", "a", "--cascade=foreground", "--wait", "--timeout=60s");
  assert.equal(await k.ok(["get", "secrets", "-l=owner=helm", "-o=name"]), "");
});
