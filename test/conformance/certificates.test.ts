/** Certificates asked for, approved and signed, through the real kubectl. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Client, EventRecorder, Informers, type Transport } from "#client";
import { silentLogger } from "#lib/logger";
import { systemClock } from "#lib/system-clock";
import { systemRandom } from "#lib/system-random";
import { certificatesController } from "../../controllers/certificates/reconcile.ts";
import { clientOfAccount } from "../../naru/accounts.ts";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { type Kubectl, kubectl } from "../harness/kubectl.ts";
import { until } from "../harness/until.ts";

const TIMEOUT = { timeout: 60_000 };
const CLIENT = "kubernetes.io/kube-apiserver-client";
const KUBELET = "kubernetes.io/kube-apiserver-client-kubelet";

let server: TestServer;
let k: Kubectl;
let stop: () => Promise<void>;

before(async () => {
  server = await startTestServer();
  k = await kubectl(server.kubeconfig, server.directory);
  const user = { name: "system:kube-controller-manager", groups: ["system:authenticated"] };
  const client = new Client(server.server.core.as(user) as unknown as Transport);
  const common = { client, clock: systemClock, random: systemRandom, logger: silentLogger };
  const informers = new Informers(common);
  const own = { ...common, client: clientOfAccount(server.server, "certificate-controller") };
  const recorder = new EventRecorder({ ...own, component: "certificate-controller" });
  const controller = certificatesController({ ...own, informers, recorder }, server.authority);
  await informers.start();
  controller.start();
  stop = async () => {
    await controller.close();
    await informers.close();
  };
}, TIMEOUT);

after(async () => {
  await stop?.();
  await server?.[Symbol.asyncDispose]();
}, TIMEOUT);

/** By openssl, as people make them. */
function newRequest(subject: string, ...more: readonly string[]): { key: string; pem: string } {
  const path = join(server.directory, `${subject.replaceAll(/\W/g, "-")}.key`);
  const made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const pem = execFileSync(
    "openssl",
    ["req", "-new", ...made, "-keyout", path, "-subj", subject, ...more],
    { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
  );
  return { key: path, pem };
}

interface Asked {
  readonly name: string;
  readonly pem: string;
  readonly signerName?: string;
  readonly usages?: readonly string[];
  readonly more?: object;
  readonly as?: readonly string[];
}

function ask({
  as = [],
  more = {},
  name,
  pem,
  signerName = CLIENT,
  usages = ["client auth"],
}: Asked) {
  const request = Buffer.from(pem).toString("base64");
  const spec = { request, signerName, usages, ...more };
  const manifest = {
    apiVersion: "certificates.k8s.io/v1",
    kind: "CertificateSigningRequest",
    metadata: { name },
    spec,
  };
  return k.run(["create", "-f", "-", ...as], { input: JSON.stringify(manifest) });
}

function read(name: string, path: string): Promise<string> {
  return k.ok(["get", "csr", name, "-o", `jsonpath=${path}`]);
}

function issued(name: string): Promise<string> {
  return until("the certificate", 10_000, async () => {
    const text = await read(name, "{.status.certificate}");
    return text !== "" && Buffer.from(text, "base64").toString("utf8");
  });
}

test("an approved request becomes a certificate that lets its owner in", TIMEOUT, async () => {
  const { key, pem } = newRequest("/O=devs/CN=ann");
  const more = { expirationSeconds: 3600, username: "root", groups: ["system:masters"] };
  const made = await ask({ name: "ann", pem, more });
  assert.equal(made.stderr, "");
  assert.equal(await read("ann", "{.spec.username} {.spec.groups[0]}"), "admin system:masters");
  assert.match(
    await k.ok(["get", "csr", "ann"]),
    new RegExp(`ann +\\S+ +${CLIENT} +admin +60m +Pending`),
  );
  await k.ok(["certificate", "approve", "ann"]);
  const certificate = await issued("ann");
  assert.match(await k.ok(["get", "csr", "ann"]), /Approved,Issued/);
  const { validFromDate, validToDate } = new X509Certificate(certificate);
  assert.equal(validToDate.getTime() - validFromDate.getTime(), 3_900_000);
  const path = join(server.directory, "ann.crt");
  await writeFile(path, certificate);
  const who = await k.ok([
    ...["auth", "whoami", "-o", "jsonpath={.status.userInfo}", "--kubeconfig=/dev/null"],
    ...[`--server=https://127.0.0.1:${server.server.restPort}`, "--insecure-skip-tls-verify"],
    ...[`--client-certificate=${path}`, `--client-key=${key}`],
  ]);
  assert.deepEqual(JSON.parse(who), { username: "ann", groups: ["devs", "system:authenticated"] });
});

test("a denied request stays denied, and is not signed", TIMEOUT, async () => {
  const { pem } = newRequest("/CN=eve");
  await ask({ name: "eve", pem });
  await k.ok(["certificate", "deny", "eve"]);
  assert.match(await k.ok(["get", "csr", "eve"]), /Denied/);
  const approve = await k.run(["certificate", "approve", "eve"]);
  assert.match(approve.stderr, /mutually exclusive|already Denied/);
  const undo = await k.run([
    ...["patch", "csr", "eve", "--subresource=approval", "--type=merge"],
    ...["-p", '{"status":{"conditions":[]}}'],
  ]);
  assert.match(undo.stderr, /may not remove a condition of type "Denied"/);
  const asStatus = await k.run([
    ...["patch", "csr", "eve", "--subresource=status", "--type=merge"],
    ...["-p", '{"status":{"conditions":[{"type":"Approved","status":"True"}]}}'],
  ]);
  assert.equal(asStatus.code, 0);
  assert.equal(await read("eve", "{.status.conditions[*].type}"), "Denied");
  await k.run(["patch", "csr", "eve", "--type=merge", "-p", '{"spec":{"usages":["any"]}}']);
  assert.equal(await read("eve", "{.spec.usages}"), '["client auth"]');
});

test("approving is a right over the signer", TIMEOUT, async () => {
  await ask({ name: "bob", pem: newRequest("/CN=bob").pem });
  const approve = () => k.run(["certificate", "approve", "bob", "--as=approver"]);
  await k.ok([
    ...["create", "clusterrole", "csr", "--verb=get,list,update"],
    "--resource=certificatesigningrequests,certificatesigningrequests/approval",
  ]);
  await k.ok(["create", "clusterrolebinding", "csr", "--clusterrole=csr", "--user=approver"]);
  assert.match(
    (await approve()).stderr,
    /user not permitted to approve requests with signerName "kubernetes.io\/kube-apiserver-client"/,
  );
  const role = "system:certificates.k8s.io:kube-apiserver-client-approver";
  await k.ok([
    "create",
    "clusterrolebinding",
    "signer",
    `--clusterrole=${role}`,
    "--user=approver",
  ]);
  assert.equal((await approve()).stderr, "");
});

test("requests that cannot be are refused", TIMEOUT, async () => {
  const { pem } = newRequest("/CN=x");
  const masters = newRequest("/O=system:masters/CN=x").pem;
  const table: readonly (readonly [RegExp, Omit<Asked, "name">])[] = [
    [/system:masters group is not allowed/, { pem: masters }],
    [/spec.request: Invalid value: must be a PEM block/, { pem: "nothing" }],
    [/spec.usages: Required value/, { pem, usages: [] }],
    [
      /spec.usages\[1\]: Duplicate value: "client auth"/,
      { pem, usages: ["client auth", "client auth"] },
    ],
    [/legacy signerName is not allowed/, { pem, signerName: "kubernetes.io/legacy-unknown" }],
    [/must be a fully qualified domain and path/, { pem, signerName: "me" }],
    [/may not specify a duration less than 600 seconds/, { pem, more: { expirationSeconds: 5 } }],
  ];
  for (const [text, asked] of table)
    assert.match((await ask({ ...asked, name: "x" })).stderr, text);
});

test("a node's own client certificate needs nobody, another's fails", TIMEOUT, async () => {
  const as = ["--as=system:node:n1", "--as-group=system:nodes"];
  const role = "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient";
  await k.ok([
    "create",
    "clusterrolebinding",
    "nodes",
    `--clusterrole=${role}`,
    "--group=system:nodes",
  ]);
  const kubelets = { signerName: KUBELET, usages: ["digital signature", "client auth"], as };
  const own = newRequest("/O=system:nodes/CN=system:node:n1").pem;
  const { stderr } = await ask({ ...kubelets, name: "n1", pem: own });
  assert.equal(stderr, "");
  assert.match((await new X509Certificate(await issued("n1"))).subject, /CN=system:node:n1/);
  assert.equal(await read("n1", "{.status.conditions[0].reason}"), "AutoApproved");
  const strange = newRequest("/O=devs/CN=system:node:n1").pem;
  await ask({ ...kubelets, name: "strange", pem: strange });
  await k.ok(["certificate", "approve", "strange"]);
  const why = await until("the failure", 10_000, () =>
    read("strange", "{.status.conditions[?(@.type=='Failed')].message}").then(
      (text) => text !== "" && text,
    ),
  );
  assert.equal(why, "subject organization is not system:nodes");
});

test("a node gets a serving certificate with the names it asked for", TIMEOUT, async () => {
  const { pem } = newRequest(
    "/O=system:nodes/CN=system:node:n1",
    ...["-addext", "subjectAltName=DNS:n1,IP:10.0.0.1"],
  );
  await ask({
    name: "serving",
    pem,
    signerName: "kubernetes.io/kubelet-serving",
    usages: ["digital signature", "server auth"],
    as: ["--as=system:node:n1", "--as-group=system:nodes"],
  });
  await k.ok(["certificate", "approve", "serving"]);
  const { keyUsage, subjectAltName } = new X509Certificate(await issued("serving"));
  assert.match(subjectAltName ?? "", /DNS:n1, IP Address:10.0.0.1/);
  assert.deepEqual(keyUsage, ["1.3.6.1.5.5.7.3.1"]);
});
