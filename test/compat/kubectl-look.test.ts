/** What kubectl shows: get in all its forms, describe, events, explain, and what the server says of itself. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type KubectlCase, useBothKubectls } from "../harness/both-kubectls.ts";

const { each, newer } = useBothKubectls();

async function withWeb({ k }: KubectlCase): Promise<void> {
  await k.ok(["create", "deployment", "web", "--image=x", "--replicas=2", "--port=80"]);
  await k.ok(["expose", "deploy", "web", "--port=80"]);
  await k.ok(["rollout", "status", "deploy/web", "--timeout=30s"]);
}

each("get as a table, narrow and wide, without headers and sorted", async (c) => {
  const { k } = c;
  await withWeb(c);
  assert.match(
    await k.ok(["get", "deploy"]),
    /^NAME\s+READY\s+UP-TO-DATE\s+AVAILABLE\s+AGE\nweb\s+2\/2\s+2\s+2\s+\d+s\n$/,
  );
  assert.match(
    await k.ok(["get", "deploy", "web", "-o=wide"]),
    /CONTAINERS\s+IMAGES\s+SELECTOR\nweb.*x\s+app=web\n/,
  );
  const pods = await k.ok(["get", "pods", "-o=wide", "--no-headers", "--sort-by=.metadata.name"]);
  const names = pods
    .trim()
    .split("\n")
    .map((line) => line.split(/\s+/)[0]);
  assert.equal(names.length, 2);
  assert.deepEqual(names, names.toSorted());
  assert.match(pods, /\d\/1\s+Running\s+0\s+\d+s\s+10\.0\.0\.\d+\s+n1\s/);
  assert.match(
    await k.ok(["get", "svc", "web", "--show-labels", "-L", "app"]),
    /APP\s+LABELS\nweb.*\sweb\s+app=web\n/,
  );
  assert.match(
    await k.ok(["get", "all"]),
    /pod\/web-[\s\S]*service\/web[\s\S]*deployment.apps\/web[\s\S]*replicaset.apps\/web-/,
  );
  assert.match(await k.ok(["get", "pods", "-A"]), /^NAMESPACE\s+NAME/);
});

each("get as json, yaml, name, jsonpath, template and columns", async ({ k, namespace }) => {
  const web = ["get", "deploy", "web"];
  const object = JSON.parse(await k.ok([...web, "-o=json"]));
  assert.deepEqual(
    [object.apiVersion, object.kind, object.metadata.namespace],
    ["apps/v1", "Deployment", namespace],
  );
  const list = JSON.parse(await k.ok(["get", "deploy,svc", "-o=json"]));
  assert.deepEqual(
    list.items.map((item: { kind: string }) => item.kind),
    ["Deployment", "Service"],
  );
  assert.match(
    await k.ok([...web, "-o=yaml"]),
    /^apiVersion: apps\/v1\nkind: Deployment\nmetadata:\n/,
  );
  assert.equal(await k.ok([...web, "-o=name"]), "deployment.apps/web\n");
  assert.equal(
    await k.ok([
      ...web,
      "-o=jsonpath={.spec.template.spec.containers[?(@.name=='x')].ports[0].protocol}",
    ]),
    "TCP",
  );
  assert.equal(
    await k.ok([...web, "-o=go-template={{.metadata.name}} {{.spec.replicas}}"]),
    "web 2",
  );
  assert.match(
    await k.ok([...web, "-o=custom-columns=NAME:.metadata.name,N:.spec.replicas"]),
    /^NAME\s+N\nweb\s+2\n$/,
  );
});

each(
  "get chooses by labels, fields and pages, and tells what is not there",
  async ({ k, namespace }) => {
    assert.match(
      await k.ok(["get", "pods", "-l", "app in (web,api),!tier", "-o=name"]),
      /^(pod\/web-\S+\n){2}$/,
    );
    assert.equal(await k.ok(["get", "pods", "-l", "app notin (web),app", "-o=name"]), "");
    assert.match(
      await k.ok([
        "get",
        "pods",
        "--field-selector=status.phase=Running,spec.nodeName=n1",
        "-o=name",
      ]),
      /^(pod\/web-\S+\n){2}$/,
    );
    assert.equal(
      await k.ok(["get", "pods", "--field-selector=status.phase!=Running", "-o=name"]),
      "",
    );
    assert.match(
      await k.ok(["get", "ns", "--chunk-size=1", "-o=name"]),
      /default\n[\s\S]*kube-system\n[\s\S]*newer\n/,
    );
    const none = await k.run(["get", "cronjobs"]);
    assert.deepEqual(
      [none.code, none.stderr],
      [0, `No resources found in ${namespace} namespace.\n`],
    );
    const missing = await k.run(["get", "pod", "nobody"]);
    assert.deepEqual(
      [missing.code, missing.stderr],
      [1, 'Error from server (NotFound): pods "nobody" not found\n'],
    );
    const unknown = await k.run(["get", "unicorns"]);
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /the server doesn't have a resource type "unicorns"/);
    const wrong = await k.run(["get", "pods", "--field-selector=spec.colour=red"]);
    assert.match(wrong.stderr, /\(BadRequest\).*field label not supported: spec.colour/);
  },
);

each("get --watch follows changes, as tables and as events", async ({ k }) => {
  await k.ok(["create", "configmap", "seen"]);
  const child = k.start(["get", "cm", "seen", "--watch", "--output-watch-events"]);
  let text = "";
  const saw = (what: RegExp) =>
    new Promise<void>((resolve) => {
      const look = () => what.test(text) && resolve();
      child.stdout?.on("data", look);
      look();
    });
  child.stdout?.on("data", (chunk) => {
    text += chunk;
  });
  await saw(/^EVENT\s+NAME\s+DATA\s+AGE\nADDED\s+seen\s+0/);
  await k.ok(["patch", "cm", "seen", '-p={"data":{"a":"b"}}']);
  await saw(/^MODIFIED\s+seen\s+1/m);
  await k.ok(["delete", "cm", "seen"]);
  await saw(/^DELETED\s+seen\s+1/m);
  child.kill();
  await once(child, "exit");
});

const DESCRIBED: readonly (readonly [what: string, shows: RegExp])[] = [
  [
    "deploy web",
    /Replicas:\s+2 desired \| 2 updated \| 2 total \| 2 available[\s\S]*NewReplicaSet:\s+web-\S+ \(2\/2 replicas created\)[\s\S]*ScalingReplicaSet/,
  ],
  ["rs -l app=web", /Controlled By:\s+Deployment\/web[\s\S]*2 Running[\s\S]*SuccessfulCreate/],
  [
    "pods",
    /Node:\s+n1\/[\s\S]*Status:\s+Running[\s\S]*Controlled By:\s+ReplicaSet\/web-[\s\S]*QoS Class:\s+BestEffort/,
  ],
  ["svc web", /Type:\s+ClusterIP[\s\S]*Endpoints:\s+10\.0\.0\.\d+:80,10\.0\.0\.\d+:80/],
  ["node n1", /Lease:\s+HolderIdentity:\s+n1[\s\S]*Ready\s+True[\s\S]*Non-terminated Pods:/],
  ["ns default", /Status:\s+Active[\s\S]*No resource quota[\s\S]*No LimitRange/],
  ["cm words", /a:\n----\none\n/],
  ["sa default", /Name:\s+default/],
  ["secret hidden", /Type:\s+Opaque[\s\S]*a:\s+6 bytes/],
  ["ingress front", /shop\.example[\s\S]*\/cart\s+web:80 \(10\.0\.0\.\d+:80/],
  ["quota some", /pods\s+\d+\s+100/],
  ["role reader", /pods\s+\[\]\s+\[\]\s+\[get\]/],
  ["clusterrole view", /PolicyRule:/],
  ["pvc data", /Status:\s+Pending/],
  ["job once", /Completions:\s+1[\s\S]*1 Succeeded/],
  ["sts kept", /Replicas:\s+1 desired/],
  ["ds all", /Desired Number of Nodes Scheduled: 1/],
  ["limits some", /Container\s+cpu\s+-\s+2/],
];

const MORE_KINDS = `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}, storageClassName: nobody}
---
apiVersion: v1
kind: LimitRange
metadata: {name: some}
spec: {limits: [{type: Container, max: {cpu: "2"}}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: kept}
spec:
  selector: {matchLabels: {app: kept}}
  serviceName: web
  template: {metadata: {labels: {app: kept}}, spec: {containers: [{name: c, image: x}]}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: all}
spec:
  selector: {matchLabels: {app: all}}
  template: {metadata: {labels: {app: all}}, spec: {containers: [{name: c, image: x}]}}
`;

each("describe knows the fields of each kind, and its events", async ({ k }) => {
  await k.ok(["apply", "-f", "-"], { input: MORE_KINDS });
  await k.ok(["create", "secret", "generic", "hidden", "--from-literal=a=geheim"]);
  await k.ok(["create", "configmap", "words", "--from-literal=a=one"]);
  await k.ok(["create", "ingress", "front", "--rule=shop.example/cart=web:80"]);
  await k.ok(["create", "quota", "some", "--hard=pods=100"]);
  await k.ok(["create", "role", "reader", "--verb=get", "--resource=pods"]);
  await k.ok(["create", "job", "once", "--image=ends"]);
  await k.ok(["wait", "job/once", "--for=condition=Complete", "--timeout=30s"]);
  for (const [what, shows] of DESCRIBED)
    assert.match(await k.ok(["describe", ...what.split(" ")]), shows);
});

each("events by kind of object and by field", async ({ k, version }) => {
  assert.match(
    await k.ok(["get", "events", "--field-selector=involvedObject.kind=Job"]),
    /SuccessfulCreate\s+job\/once/,
  );
  assert.match(
    await k.ok(["get", "events", "--sort-by=.lastTimestamp", "-o=wide"]),
    /SUBOBJECT\s+SOURCE/,
  );
  if (version === "1.20") return;
  const events = await k.ok(["events", "--for=deployment/web", "--types=Normal"]);
  assert.match(events, /ScalingReplicaSet\s+Deployment\/web\s+Scaled up replica set/);
  assert.doesNotMatch(events, /SuccessfulCreate/);
});

each("wait for conditions, deletion, and too long", async ({ k, version }) => {
  await k.ok(["wait", "deploy/web", "--for=condition=Available", "--timeout=20s"]);
  const late = await k.run(["wait", "deploy/web", "--for=condition=Cooked", "--timeout=1s"]);
  assert.equal(late.code, 1);
  assert.match(late.stderr, /timed out waiting for the condition/);
  await k.ok(["create", "configmap", "brief"]);
  const waits = k.start(["wait", "cm/brief", "--for=delete", "--timeout=20s", "-v=6"]);
  // 1.20 fails when there is nothing to wait for, so it has to be at it before.
  await new Promise<void>((resolve) =>
    waits.stderr?.on("data", (line) => /watch=true/.test(String(line)) && resolve()),
  );
  const ended = once(waits, "exit");
  await k.ok(["delete", "cm", "brief"]);
  assert.deepEqual(await ended, [0, null]);
  if (version === "1.20") return;
  await k.ok([
    "wait",
    "deploy/web",
    "--for=jsonpath={.status.availableReplicas}=2",
    "--timeout=20s",
  ]);
  const made = k.ok(["wait", "cm/later", "--for=create", "--timeout=20s"]);
  await k.ok(["create", "configmap", "later"]);
  await made;
});

each("explain tells of built-in fields, one level or all", async ({ k }) => {
  assert.match(await k.ok(["explain", "deploy.spec.replicas"]), /FIELD:\s+replicas <integer>/);
  assert.match(await k.ok(["explain", "pod.spec.containers.ports"]), /containerPort\s+<integer>/);
  assert.match(
    await k.ok(["explain", "service", "--recursive"]),
    /externalTrafficPolicy\s+<string>/,
  );
  const wrong = await k.run(["explain", "pod.spec.colour"]);
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /field "colour" does not exist/);
});

each("api-resources and api-versions", async ({ k }) => {
  assert.match(
    await k.ok(["api-resources"]),
    /deployments\s+deploy\s+apps\/v1\s+true\s+Deployment/,
  );
  const cluster = await k.ok(["api-resources", "--namespaced=false", "--verbs=list", "-o=name"]);
  assert.match(cluster, /^nodes$/m);
  assert.doesNotMatch(cluster, /^pods$/m);
  assert.match(
    await k.ok(["api-resources", "--api-group=batch", "-o=wide"]),
    /cronjobs\s+cj\s+batch\/v1\s+true\s+CronJob\s+\S*create\S*/,
  );
  const versions = (await k.ok(["api-versions"])).trim().split("\n");
  assert.ok(["v1", "apps/v1", "batch/v1"].every((one) => versions.includes(one)));
});

each("version and cluster-info", async ({ k, namespace, server }) => {
  assert.match(
    await k.ok(["version"]),
    /Server Version: (v1\.\d+|version\.Info\{Major:"1", Minor:"\d+")/,
  );
  assert.match(
    await k.ok(["cluster-info"]),
    /Kubernetes control plane.* is running at .*https:\/\/127\.0\.0\.1:\d+/,
  );
  const folder = join(server.directory, `dump-${namespace}`);
  const dump = await k.run([
    "cluster-info",
    "dump",
    `--namespaces=${namespace}`,
    `--output-directory=${folder}`,
  ]);
  assert.ok(existsSync(join(folder, "nodes.json")), dump.stderr);
  assert.ok(existsSync(join(folder, namespace, "deployments.json")), dump.stderr);
});

each("get --raw reads any path", async ({ k, namespace }) => {
  assert.equal(await k.ok(["get", "--raw", "/readyz"]), "ok");
  const list = JSON.parse(await k.ok(["get", "--raw", `/api/v1/namespaces/${namespace}/services`]));
  assert.equal(list.kind, "ServiceList");
  const missing = await k.run(["get", "--raw", "/apis/nobody.example/v1"]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /Error from server \(NotFound\)/);
});

each("proxy serves the API on a port and on a socket", async ({ k, namespace, server }) => {
  const child = k.start(["proxy", "--port=0"]);
  const [line] = (await once(child.stdout ?? child, "data")) as [Buffer];
  const address = /127\.0\.0\.1:\d+/.exec(String(line))?.[0];
  const answer = await fetch(`http://${address}/api/v1/namespaces/${namespace}/services/web`);
  assert.equal(((await answer.json()) as { kind: string }).kind, "Service");
  assert.equal((await fetch(`http://${address}/api/v1/namespaces/nobody`)).status, 404);
  child.kill();
  await once(child, "exit");
  const path = join(server.directory, `${namespace}.sock`);
  const onSocket = k.start(["proxy", `--unix-socket=${path}`]);
  await once(onSocket.stdout ?? onSocket, "data");
  assert.ok(existsSync(path));
  onSocket.kill();
  await once(onSocket, "exit");
});

newer("top says that nothing was measured yet, where nodes are simulated", async ({ k }) => {
  const { code, stderr } = await k.run(["top", "nodes"]);
  assert.equal(code, 1);
  assert.match(stderr, /metrics not available yet/);
});
