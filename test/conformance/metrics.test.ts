/** The API server's metrics, as kubectl and Prometheus read them. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { type TestAuditLog, testAuditLog } from "../harness/audit-log.ts";
import { type Kubectl, kubectl } from "../harness/kubectl.ts";
import { until } from "../harness/until.ts";
import { startWebhookServer } from "../harness/webhook-server.ts";

const TIMEOUT = { timeout: 60_000 };
const POLICY = `{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: Metadata, verbs: [create]}]}`;

let server: TestServer;
let log: TestAuditLog;
let k: Kubectl;

before(async () => {
  log = await testAuditLog(POLICY);
  server = await startTestServer({ auditor: log.auditor });
  k = await kubectl(server.kubeconfig, server.directory);
}, TIMEOUT);

after(async () => {
  await server[Symbol.asyncDispose]();
  await log[Symbol.asyncDispose]();
}, TIMEOUT);

/** By name and labels, in the labels' order in the text. */
async function metrics(): Promise<ReadonlyMap<string, number>> {
  const text = await k.ok(["get", "--raw", "/metrics"]);
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

const about = (text: string): string =>
  `component="apiserver",group="",resource="configmaps",${text}`;

test("requests are counted by verb, resource, scope and status", TIMEOUT, async () => {
  await k.ok(["create", "configmap", "a"]);
  await k.ok(["create", "configmap", "b", "--dry-run=server"]);
  await k.run(["create", "configmap", "a"]);
  await k.ok(["get", "configmap", "a"]);
  await k.ok(["get", "configmaps", "-A"]);
  await k.ok(["apply", "--server-side", "-f", "-"], {
    input: JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" } }),
  });
  await k.run(["get", "--raw", "/healthz"]);
  await k.run(["get", "--raw", "/no/such/path"]);
  const found = await metrics();
  const total = (code: number, rest: string): number | undefined =>
    found.get(`apiserver_request_total{code="${code}",${about(rest)}}`);
  const one = 'scope="resource",subresource=""';
  assert.equal(total(201, `${one},verb="POST",version="v1",dry_run=""`), 1);
  assert.equal(total(201, `${one},verb="POST",version="v1",dry_run="All"`), 1);
  assert.equal(total(409, `${one},verb="POST",version="v1",dry_run=""`), 1);
  assert.equal(total(200, `${one},verb="GET",version="v1",dry_run=""`), 1);
  assert.equal(total(201, `${one},verb="APPLY",version="v1",dry_run=""`), 1);
  const listed = 'scope="cluster",subresource="",verb="LIST",version="v1"';
  assert.equal(total(200, `${listed},dry_run=""`), 1);
  const seconds = `apiserver_request_duration_seconds_count{${about(`${listed},dry_run=""`)}}`;
  assert.equal(found.get(seconds), 1);
  assert.ok((found.get(`apiserver_response_sizes_sum{${about(listed)}}`) ?? 0) > 100);
  const path = (code: number, subresource: string): string =>
    `apiserver_request_total{code="${code}",component="apiserver",group="",resource="",scope="",subresource="${subresource}",verb="GET",version="",dry_run=""}`;
  assert.equal(found.get(path(200, "/healthz")), 1);
  assert.equal(found.get(path(404, "")), 1);
  const stored = (await k.ok(["get", "configmaps", "-A", "-o", "name"])).trim().split("\n");
  const objects = 'apiserver_resource_objects{group="",resource="configmaps"}';
  assert.equal(found.get(objects), stored.length);
  // The one that asks.
  assert.equal(found.get('apiserver_current_inflight_requests{request_kind="readOnly"}'), 1);
  assert.equal(found.get('apiserver_current_inflight_requests{request_kind="mutating"}'), 0);
});

test("watches are counted while they go on, and so are their events", TIMEOUT, async () => {
  const watch = about('scope="namespace",subresource="",verb="WATCH",version="v1"');
  const running = async () => (await metrics()).get(`apiserver_longrunning_requests{${watch}}`);
  const watching = k.start(["get", "configmaps", "--watch", "-o", "name"]);
  await until("the watch", 20_000, async () => (await running()) === 1);
  await k.ok(["create", "configmap", "seen"]);
  const events = 'apiserver_watch_events_total{group="",version="v1",resource="configmaps"}';
  await until("the event", 20_000, async () => (await metrics()).get(events) === 1);
  watching.kill("SIGKILL");
  await until("its end", 20_000, async () => (await running()) === 0);
});

test("webhooks are timed, and those that could not be asked are counted", TIMEOUT, async () => {
  await using hook = await startWebhookServer();
  const webhook = (name: string) => ({
    name: `${name}.example.com`,
    clientConfig: { url: `https://127.0.0.1:${hook.port}/${name}`, caBundle: hook.caBundle },
    rules: [
      { apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"], operations: ["CREATE"] },
    ],
    sideEffects: "None",
    failurePolicy: "Ignore",
    admissionReviewVersions: ["v1"],
  });
  const configuration = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name: "test" },
    webhooks: ["no", "broken"].map(webhook),
  };
  await k.ok(["create", "-f", "-"], { input: JSON.stringify(configuration) });
  hook.answer = ({ path }) =>
    path.startsWith("/broken") ? { status: 500, text: "ill" } : { allowed: false };
  assert.notEqual((await k.run(["create", "configmap", "refused"])).code, 0);
  await k.ok(["delete", "validatingwebhookconfigurations", "test"]);
  const found = await metrics();
  const timed = (name: string, rejected: boolean): number | undefined =>
    found.get(
      `apiserver_admission_webhook_admission_duration_seconds_count{name="${name}.example.com",operation="CREATE",rejected="${rejected}",type="validating"}`,
    );
  assert.equal(timed("no", true), 1);
  assert.equal(timed("broken", false), 1);
  const failedOpen =
    'apiserver_admission_webhook_fail_open_count{name="broken.example.com",type="validating"}';
  assert.equal(found.get(failedOpen), 1);
});

test("the audit log counts its events", TIMEOUT, async () => {
  const found = await metrics();
  assert.equal(found.get("apiserver_audit_event_total"), log.events().length);
  assert.equal(found.get('apiserver_audit_error_total{plugin="log"}'), 0);
  assert.ok((found.get('apiserver_audit_level_total{level="None"}') ?? 0) > 0);
});

test("only who may read metrics does", TIMEOUT, async () => {
  const refused = await k.run(["get", "--raw", "/metrics", "--as=ann"]);
  assert.match(refused.stderr, /User "ann" cannot get path "\/metrics"/);
  const monitoring = ["--as=prometheus", "--as-group=system:monitoring"];
  assert.match(await k.ok(["get", "--raw", "/metrics", ...monitoring]), /^# TYPE apiserver_/m);
});
