/** A program in a pod speaks to the API as its service account, with what every pod finds at its place. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startCluster, type TestCluster } from "../harness/cluster.ts";
import { helloImages } from "../harness/images.ts";
import { jsonpath } from "../harness/questions.ts";
import { until } from "../harness/until.ts";

const TIMEOUT = { timeout: 90_000 };

let cluster: TestCluster;

before(async () => {
  const [image = ""] = await helloImages();
  cluster = await startCluster({ nodes: 2, images: [image] });
}, TIMEOUT);

after(() => cluster?.[Symbol.asyncDispose](), TIMEOUT);

/** As client libraries do it: by name and by the environment, trusting the authority that lies beside the token. */
const SCRIPT = `
const { readFileSync } = require("node:fs");
const { request } = require("node:https");
const here = "/var/run/secrets/kubernetes.io/serviceaccount/";
const read = (file) => readFileSync(here + file, "utf8");
const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
const ask = (base, path, body) => new Promise((resolve) => {
  const headers = { authorization: "Bearer " + read("token"), "content-type": "application/json" };
  const sent = request(base + path, { ca: read("ca.crt"), headers, method: body ? "POST" : "GET" }, (response) => {
    let text = "";
    response.on("data", (data) => { text += data; });
    response.on("end", () => resolve({ code: response.statusCode, json: JSON.parse(text) }));
  });
  sent.on("error", (error) => resolve({ code: String(error) }));
  sent.end(body);
});
(async () => {
  const review = JSON.stringify({ apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" });
  const byName = "https://kubernetes.default.svc";
  const who = await ask(byName, "/apis/authentication.k8s.io/v1/selfsubjectreviews", review);
  const pods = await ask("https://" + host + ":" + port, "/api/v1/namespaces/" + read("namespace") + "/pods");
  const secrets = await ask(byName, "/api/v1/secrets");
  console.log(JSON.stringify({ user: who.json?.status.userInfo, who: who.code, pods: pods.code, secrets: secrets.code }));
})();
`;

function podYaml(name: string, spec: string): string {
  return `apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  restartPolicy: Never
  ${spec}
  containers:
  - name: main
    image: naru.example/hello:v1
    command: [/usr/local/bin/node, -e, ${JSON.stringify(SCRIPT)}]
`;
}

test("a pod reaches the API and is authorized as its account", TIMEOUT, async () => {
  const { kubectl } = cluster;
  await kubectl.ok(["create", "serviceaccount", "reader"]);
  await kubectl.ok([
    ...["create", "rolebinding", "reader", "--clusterrole=view", "--serviceaccount=default:reader"],
  ]);
  await cluster.apply(podYaml("asks", "serviceAccountName: reader"));
  await until("the pod's end", 60_000, async () =>
    ["Succeeded", "Failed"].includes(await jsonpath(cluster, "pod asks", "{.status.phase}")),
  );
  const { user, ...codes } = JSON.parse(await kubectl.ok(["logs", "asks"]));
  assert.deepEqual(codes, { who: 201, pods: 200, secrets: 403 });
  assert.equal(user.username, "system:serviceaccount:default:reader");
  const node = await jsonpath(cluster, "pod asks", "{.spec.nodeName}");
  assert.deepEqual(user.extra["authentication.kubernetes.io/pod-name"], ["asks"]);
  assert.deepEqual(user.extra["authentication.kubernetes.io/node-name"], [node]);
});

test("a pod that wants no token gets none", TIMEOUT, async () => {
  await cluster.apply(podYaml("quiet", "automountServiceAccountToken: false"));
  await until("the pod's end", 60_000, async () =>
    ["Succeeded", "Failed"].includes(await jsonpath(cluster, "pod quiet", "{.status.phase}")),
  );
  assert.match(await cluster.kubectl.ok(["logs", "quiet"]), /ENOENT.*serviceaccount/s);
});

test("the authority's ConfigMap comes back, and a Secret gets its token", TIMEOUT, async () => {
  const { kubectl } = cluster;
  await kubectl.ok(["delete", "configmap", "kube-root-ca.crt"]);
  await until("the ConfigMap", 10_000, async () =>
    (await jsonpath(cluster, "configmap kube-root-ca.crt", "{.data}")).includes("BEGIN CERT"),
  );
  await cluster.apply(`apiVersion: v1
kind: Secret
metadata:
  name: lasting
  annotations: {kubernetes.io/service-account.name: reader}
type: kubernetes.io/service-account-token
`);
  const token = await until("the token", 10_000, () =>
    jsonpath(cluster, "secret lasting", "{.data.token}").then((text) => text !== "" && text),
  );
  const server = JSON.parse(await kubectl.ok(["config", "view", "-o", "json"])).clusters[0].cluster
    .server;
  const who = await kubectl.ok([
    ...["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}", "--kubeconfig=/dev/null"],
    `--token=${Buffer.from(token, "base64").toString("utf8")}`,
    ...["--server", server, "--insecure-skip-tls-verify"],
  ]);
  assert.equal(who, "system:serviceaccount:default:reader");
});
