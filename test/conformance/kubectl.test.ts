/** What the real kubectl does to objects, against a server on loopback. No pods run here. */
import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { type Kubectl, kubectl } from "../harness/kubectl.ts";

const TIMEOUT = { timeout: 60_000 };

let server: TestServer;
let k: Kubectl;

before(async () => {
  server = await startTestServer();
  k = await kubectl(server.kubeconfig, server.directory);
}, TIMEOUT);

after(() => server[Symbol.asyncDispose](), TIMEOUT);

function deploymentYaml(image: string): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: main, image: "${image}", ports: [{containerPort: 80}]}
      - {name: side, image: side}
`;
}

test("apply creates, leaves alone, and merges lists by their keys", TIMEOUT, async () => {
  const apply = (image: string) => k.ok(["apply", "-f", "-"], { input: deploymentYaml(image) });
  assert.match(await apply("a:1"), /deployment.apps\/web created/);
  assert.match(await apply("a:1"), /deployment.apps\/web unchanged/);
  assert.match(await apply("a:2"), /deployment.apps\/web configured/);
  const images = "-o=jsonpath={.spec.template.spec.containers[*].image} {.metadata.generation}";
  assert.equal(await k.ok(["get", "deploy", "web", images]), "a:2 side 2");
});

test("diff shows what apply would change", TIMEOUT, async () => {
  const { code, stdout } = await k.run(["diff", "-f", "-"], { input: deploymentYaml("a:3") });
  assert.equal(code, 1);
  assert.match(stdout, /^\+.*image: a:3/m);
});

test("set, scale, rollout, label, annotate and patch write what they say", TIMEOUT, async () => {
  await k.ok(["set", "image", "deploy/web", "main=b:1"]);
  await k.ok(["set", "env", "deploy/web", "A=1"]);
  assert.match(await k.ok(["scale", "deploy/web", "--replicas=5"]), /scaled/);
  assert.match(
    await k.ok(["scale", "deploy/web", "--current-replicas=5", "--replicas=4"]),
    /scaled/,
  );
  await k.ok(["rollout", "restart", "deploy/web"]);
  await k.ok(["rollout", "pause", "deploy/web"]);
  await k.ok(["rollout", "resume", "deploy/web"]);
  await k.ok(["label", "deploy/web", "tier=front"]);
  await k.ok(["annotate", "deploy/web", "note=here"]);
  await k.ok(["annotate", "deploy/web", "note-"]);
  await k.ok([
    "patch",
    "deploy/web",
    "--type=json",
    '-p=[{"op":"remove","path":"/metadata/labels/app"}]',
  ]);
  await k.ok(["patch", "deploy/web", "--type=merge", '-p={"spec":{"minReadySeconds":3}}']);
  const paths = [
    "{.spec.replicas}",
    "{.spec.minReadySeconds}",
    "{.metadata.labels}",
    "{.spec.template.spec.containers[0].image}",
    "{.spec.template.spec.containers[0].env[0].value}",
    "{.metadata.annotations.note}",
  ].join(" ");
  const found = await k.ok(["get", "deploy", "web", `-o=jsonpath=${paths}`]);
  assert.equal(found, '4 3 {"tier":"front"} b:1 1 ');
  assert.match(
    await k.ok(["get", "deploy/web", "--subresource=scale", "-o=jsonpath={.spec.replicas}"]),
    /4/,
  );
});

test("edit writes what the editor left", TIMEOUT, async () => {
  const editor = join(server.directory, "editor.sh");
  await writeFile(editor, "#!/bin/sh\nsed -i 's/replicas: 4/replicas: 6/' \"$1\"\n");
  await chmod(editor, 0o755);
  await k.ok(["edit", "deploy", "web"], { env: { KUBE_EDITOR: editor } });
  assert.equal(await k.ok(["get", "deploy", "web", "-o=jsonpath={.spec.replicas}"]), "6");
});

test("generators send protobuf, and their objects come back whole", TIMEOUT, async () => {
  await k.ok(["create", "configmap", "cm", "--from-literal=a=1"]);
  await k.ok(["create", "secret", "generic", "s", "--from-literal=a=geheim"]);
  await k.ok(["create", "namespace", "team"]);
  await k.ok(["create", "deployment", "gen", "--image=x", "--replicas=2", "--port=80"]);
  await k.ok(["create", "service", "clusterip", "svc", "--tcp=80:8080"]);
  await k.ok(["create", "serviceaccount", "sa"]);
  await k.ok(["create", "role", "r", "--verb=get,list", "--resource=pods"]);
  await k.ok(["create", "rolebinding", "rb", "--role=r", "--user=eve"]);
  await k.ok(["create", "clusterrole", "cr", "--verb=get", "--resource=nodes"]);
  await k.ok(["create", "clusterrolebinding", "crb", "--clusterrole=cr", "--group=g"]);
  await k.ok(["create", "priorityclass", "pc", "--value=10"]);
  await k.ok(["create", "poddisruptionbudget", "pdb", "--selector=a=b", "--min-available=1"]);
  await k.ok(["run", "pod", "--image=x", "--port=80"]);
  await k.ok(["expose", "deployment", "gen", "--port=80"]);
  assert.equal(await k.ok(["get", "cm", "cm", "-o=jsonpath={.data.a}"]), "1");
  assert.equal(await k.ok(["get", "secret", "s", "-o=jsonpath={.data.a}"]), "Z2VoZWlt");
  assert.equal(
    await k.ok(["get", "svc", "svc", "-o=jsonpath={.spec.ports[0].targetPort}"]),
    "8080",
  );
  assert.match(
    await k.ok(["get", "role,rolebinding,pdb,pod", "-o=name"]),
    /role.*rolebinding.*pod\/pod/s,
  );
});

test("server-side dry runs leave nothing", TIMEOUT, async () => {
  await k.ok(["create", "configmap", "ghost", "--dry-run=server"]);
  assert.match((await k.run(["get", "cm", "ghost"])).stderr, /configmaps "ghost" not found/);
  await k.ok(["delete", "cm", "cm", "--dry-run=server"]);
  await k.ok(["get", "cm", "cm"]);
});

test("unknown fields are refused by name", TIMEOUT, async () => {
  const input = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bad}\ndatum: {a: b}\n";
  const { code, stderr } = await k.run(["create", "-f", "-"], { input });
  assert.equal(code, 1);
  assert.match(stderr, /strict decoding error: unknown field "datum"/);
  const warned = await k.run(["create", "-f", "-", "--validate=warn"], { input });
  assert.equal(warned.code, 0);
  assert.match(warned.stderr, /Warning: unknown field "datum"/);
});

test("get shows tables, describes, and follows selectors and pages", TIMEOUT, async () => {
  assert.match(
    await k.ok(["get", "deploy", "gen"]),
    /^NAME\s+READY\s+UP-TO-DATE\s+AVAILABLE\s+AGE\ngen\s+0\/2/,
  );
  assert.match(
    await k.ok(["get", "deploy", "-o=wide", "-l=tier=front"]),
    /^NAME.*SELECTOR\nweb .*app=web\n$/,
  );
  assert.match(
    await k.ok(["get", "pods", "--field-selector=metadata.name=pod", "-o=name"]),
    /^pod\/pod\n$/,
  );
  assert.match(
    await k.ok(["get", "ns", "--chunk-size=1", "-o=name"]),
    /default\n.*kube-system\n.*team\n/s,
  );
  assert.match(await k.ok(["describe", "deploy", "gen"]), /Name:\s+gen\n.*Replicas:\s+2 desired/s);
  assert.match(await k.ok(["get", "all"]), /deployment.apps\/web/);
});

test("explain, api-resources, api-versions and version read the description", TIMEOUT, async () => {
  assert.match(await k.ok(["explain", "deploy.spec.replicas"]), /FIELD: replicas <integer>/);
  assert.match(
    await k.ok(["api-resources"]),
    /deployments\s+deploy\s+apps\/v1\s+true\s+Deployment/,
  );
  assert.match(await k.ok(["api-versions"]), /^apps\/v1$/m);
  assert.match(await k.ok(["version"]), /Server Version: v1\.\d+/);
});

test("wait sees conditions and deletions", TIMEOUT, async () => {
  await k.ok(["wait", "--for=jsonpath={.metadata.name}=pod", "pod/pod", "--timeout=10s"]);
  const gone = k.ok(["wait", "--for=delete", "pod/pod", "--timeout=20s"]);
  await k.ok(["delete", "pod", "pod"]);
  await gone;
});

test("drain evicts what its budget can spare, and names what it cannot", TIMEOUT, async () => {
  await k.ok(["create", "-f", "-"], {
    input: "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n",
  });
  await k.ok([
    "run",
    "kept",
    "--image=x",
    "--labels=a=b",
    '--overrides={"spec":{"nodeName":"n1"}}',
  ]);
  await k.ok([
    "patch",
    "pod",
    "kept",
    "--subresource=status",
    "--type=merge",
    '-p={"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}',
  ]);
  // What the controller would say, had it seen the budget: none to spare.
  const observed = '-p={"status":{"observedGeneration":1,"desiredHealthy":1,"currentHealthy":1}}';
  await k.ok(["patch", "pdb", "pdb", "--subresource=status", "--type=merge", observed]);
  const { code, stderr } = await k.run(["drain", "n1", "--force", "--timeout=1s"]);
  assert.equal(code, 1);
  assert.match(stderr, /Cannot evict pod as it would violate the pod's disruption budget/);
  assert.match(await k.ok(["get", "node", "n1"]), /SchedulingDisabled/);
  const spare = '-p={"status":{"disruptionsAllowed":1}}';
  await k.ok(["patch", "pdb", "pdb", "--subresource=status", "--type=merge", spare]);
  const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "kept" } };
  await k.ok(["create", "--raw", "/api/v1/namespaces/default/pods/kept/eviction", "-f", "-"], {
    input: JSON.stringify(eviction),
  });
  // A node has to end it; until its agent says so it waits.
  assert.match(await k.ok(["get", "pod", "kept"]), /Terminating/);
  assert.equal(await k.ok(["get", "pdb", "pdb", "-o=jsonpath={.status.disruptionsAllowed}"]), "0");
  await k.ok(["delete", "pod", "kept", "--force", "--grace-period=0"]);
  await k.ok(["uncordon", "n1"]);
});

test("delete waits, cascades as asked, and takes collections", TIMEOUT, async () => {
  assert.match(await k.ok(["delete", "deploy", "web", "gen"]), /"web" deleted.*"gen" deleted/s);
  await k.ok(["delete", "cm,secret", "--all"]);
  assert.equal(await k.ok(["get", "cm", "-o=name"]), "");
  const { stderr } = await k.run(["delete", "cm", "nothing"]);
  assert.match(stderr, /Error from server \(NotFound\): configmaps "nothing" not found/);
});
