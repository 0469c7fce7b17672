/** An extension API server in a pod: the example, as it is described. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { issueAuthority, issueCertificate } from "../../naru/pki/issue.ts";
import { startCluster, type TestCluster } from "../harness/cluster.ts";
import { helloImages } from "../harness/images.ts";
import { until } from "../harness/until.ts";

const TIMEOUT = { timeout: 120_000 };
const EXAMPLE = new URL("../../examples/extension/", import.meta.url);
const VALIDITY = { nowMs: Date.now(), days: 1 };
const AVAILABLE = ["wait", "apiservice/v1.garden.example.com", "--for=condition=Available"];

let cluster: TestCluster;

before(async () => {
  const [image = ""] = await helloImages();
  cluster = await startCluster({ nodes: 2, images: [image] });
  const { directory, kubectl } = cluster;
  const authority = await issueAuthority("garden-ca", VALIDITY);
  const identity = { commonName: "garden", organizations: [], names: ["garden.garden.svc"] };
  const serving = await issueCertificate(authority, { ...identity, usage: "server" }, VALIDITY);
  const [cert, key] = [join(directory, "tls.crt"), join(directory, "tls.key")];
  await writeFile(cert, serving.certificate);
  await writeFile(key, serving.key);
  const manifest = await readFile(new URL("garden.yaml", EXAMPLE), "utf8");
  const caBundle = Buffer.from(authority.certificate).toString("base64");
  const input = manifest.replace("caBundle: CA_BUNDLE", `caBundle: ${caBundle}`);
  await kubectl.ok(["apply", "-f", "-"], { input });
  const program = new URL("garden.ts", EXAMPLE).pathname;
  const own = ["garden", "-n", "garden"];
  await kubectl.ok(["create", "configmap", ...own, `--from-file=${program}`]);
  await kubectl.ok(["create", "secret", "tls", ...own, `--cert=${cert}`, `--key=${key}`]);
  await kubectl.ok([...AVAILABLE, "--timeout=25s"]).catch(() => {});
  await kubectl.ok([...AVAILABLE, "--timeout=25s"]);
}, TIMEOUT);

after(() => cluster?.[Symbol.asyncDispose](), TIMEOUT);

const PLANT = "{apiVersion: garden.example.com/v1, kind: Plant, metadata: {name: rose}}";

test("its kinds are used like others, by whom the cluster lets", TIMEOUT, async () => {
  const { kubectl } = cluster;
  await kubectl.ok(["apply", "-f", "-"], { input: PLANT });
  assert.match(await kubectl.ok(["get", "plants"]), /^NAME +AGE\nrose +/);
  const jane = ["--as=jane", "get", "plants", "-o", "name"];
  assert.match((await kubectl.run(jane)).stderr, /User "jane" cannot list resource "plants"/);
  await kubectl.ok([
    "create",
    "role",
    "gardener",
    "--verb=list",
    "--resource=plants.garden.example.com",
  ]);
  await kubectl.ok(["create", "rolebinding", "gardener", "--role=gardener", "--user=jane"]);
  assert.equal(await kubectl.ok(jane), "plant.garden.example.com/rose\n");
});

test("a node says that it is well, and what it runs", TIMEOUT, async () => {
  const { kubectl } = cluster;
  const where = ["get", "pods", "-n", "garden", "-o", "jsonpath={.items[0].spec.nodeName}"];
  const node = `/api/v1/nodes/${await kubectl.ok(where)}/proxy`;
  assert.equal(await kubectl.ok(["get", "--raw", `${node}/healthz`]), "ok");
  const { items } = JSON.parse(await kubectl.ok(["get", "--raw", `${node}/pods`]));
  const [pod] = items.filter(
    (each: { metadata: { namespace: string } }) => each.metadata.namespace === "garden",
  );
  assert.equal(pod.spec.containers[0].name, "garden");
  const { pods } = JSON.parse(await kubectl.ok(["get", "--raw", `${node}/stats/summary`]));
  assert.ok(
    pods.some((each: { podRef: { name: string } }) => each.podRef.name === pod.metadata.name),
  );
  const logs = `${node}/containerLogs/garden/${pod.metadata.name}/none`;
  assert.equal((await kubectl.run(["get", "--raw", logs])).code, 1);
});

test("without a pod it is away, and with one it is back", TIMEOUT, async () => {
  const { kubectl } = cluster;
  const scale = (replicas: number) =>
    kubectl.ok(["scale", "deployment", "garden", "-n", "garden", `--replicas=${replicas}`]);
  await scale(0);
  await until("its absence", 30_000, async () =>
    (await kubectl.ok(["get", "apiservice", "v1.garden.example.com"])).includes(
      "False (MissingEndpoints)",
    ),
  );
  await scale(1);
  await kubectl.ok([...AVAILABLE, "--timeout=25s"]);
  assert.equal(await kubectl.ok(["get", "plants"]), "");
});
