/** Quotas and limits as kubectl's users meet them: real API server, controllers and scheduler in this process. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Cluster, pods, replicaSets, resourceQuotas } from "naru";
import { type Kubectl, kubectl } from "../harness/kubectl.ts";
import { until } from "../harness/until.ts";

const directory = mkdtempSync(join(tmpdir(), "naru-quota-"));
let cluster: Cluster;
let user: Kubectl;

before(async () => {
  cluster = await Cluster.start();
  const path = join(directory, "kubeconfig");
  await cluster.writeKubeconfig(path);
  user = await kubectl(path, directory);
});

after(async () => {
  await cluster.stop();
  rmSync(directory, { recursive: true });
});

const podOf = (name: string, resources: object = {}): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: { containers: [{ name: "c", image: "i", resources }] },
});

async function create(namespace: string, object: object): Promise<string> {
  const input = JSON.stringify(object);
  const { code, stderr } = await user.run(["-n", namespace, "create", "-f", "-"], { input });
  return code === 0 ? "created" : stderr.trim();
}

async function makeQuota(namespace: string, hard: string, more: readonly string[] = []) {
  await user.ok(["-n", namespace, "create", "quota", "q", `--hard=${hard}`, ...more]);
  await cluster.waitFor(
    resourceQuotas,
    { namespace, name: "q" },
    ({ spec, status }) =>
      JSON.stringify(Object.keys(status.hard ?? {})) ===
      JSON.stringify(Object.keys(spec.hard ?? {})),
  );
}

function usedIs(namespace: string, used: Readonly<Record<string, string>>): Promise<unknown> {
  const isSo = (all: Readonly<Record<string, string>> = {}): boolean =>
    Object.entries(used).every(([name, amount]) => all[name] === amount);
  return cluster.waitFor(resourceQuotas, { namespace, name: "q" }, ({ status }) =>
    isSo(status.used),
  );
}

test("a quota counts pods, refuses one too many, and takes back what was deleted", async () => {
  const namespace = await cluster.createNamespace();
  await makeQuota(namespace, "pods=2");
  assert.equal(await create(namespace, podOf("one")), "created");
  assert.equal(await create(namespace, podOf("two")), "created");
  assert.equal(
    await create(namespace, podOf("three")),
    'Error from server (Forbidden): error when creating "STDIN": pods "three" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2',
  );
  await user.ok(["-n", namespace, "delete", "pod", "one"]);
  await usedIs(namespace, { pods: "1" });
  assert.equal(await create(namespace, podOf("three")), "created");
});

test("kubectl shows what is used of what may be", async () => {
  const namespace = await cluster.createNamespace();
  await makeQuota(namespace, "cpu=1,limits.memory=1Gi,services.nodeports=1,count/secrets=3");
  const resources = { requests: { cpu: "300m" }, limits: { cpu: "1", memory: "256Mi" } };
  assert.equal(await create(namespace, podOf("one", resources)), "created");
  await user.ok(["-n", namespace, "create", "service", "nodeport", "s", "--tcp=80"]);
  const columns = (await user.ok(["-n", namespace, "get", "quota"])).trim().split("\n");
  assert.match(columns[0] ?? "", /^NAME\s+REQUEST\s+LIMIT\s+AGE$/);
  assert.match(
    columns[1] ?? "",
    /^q\s+count\/secrets: 0\/3, cpu: 300m\/1, services\.nodeports: 1\/1\s+limits\.memory: 256Mi\/1Gi\s/,
  );
  const described = await user.ok(["-n", namespace, "describe", "quota", "q"]);
  assert.match(described, /Resource\s+Used\s+Hard\n/);
  assert.match(described, /\ncpu\s+300m\s+1\n/);
  assert.match(described, /\nlimits\.memory\s+256Mi\s+1Gi\n/);
  assert.match(
    await create(namespace, podOf("two")),
    /pods "two" is forbidden: failed quota: q: must specify cpu for: c; limits\.memory for: c$/,
  );
  assert.match(
    await user.ok(["describe", "namespace", namespace]),
    /Resource Quotas\n\s+Name:\s+q\n/,
  );
});

test("a resize is counted, and held to quota and limits", async () => {
  const namespace = await cluster.createNamespace();
  await makeQuota(namespace, "requests.cpu=1");
  assert.equal(await create(namespace, podOf("one", { requests: { cpu: "300m" } })), "created");
  await cluster.waitFor(
    pods,
    { namespace, name: "one" },
    ({ status }) => status.phase === "Running",
  );
  const resize = async (cpu: string): Promise<string> => {
    const containers = [{ name: "c", resources: { requests: { cpu } } }];
    const patch = JSON.stringify({ spec: { containers } });
    const parameters = [
      "-n",
      namespace,
      "patch",
      "pod",
      "one",
      "--subresource=resize",
      "-p",
      patch,
    ];
    const { code, stderr } = await user.run(parameters);
    return code === 0 ? "resized" : stderr.trim();
  };
  assert.equal(
    await resize("1100m"),
    'Error from server (Forbidden): pods "one" is forbidden: exceeded quota: q, requested: requests.cpu=800m, used: requests.cpu=300m, limited: requests.cpu=1',
  );
  assert.equal(await resize("900m"), "resized");
  await usedIs(namespace, { "requests.cpu": "900m" });
  assert.equal(await resize("200m"), "resized");
  await usedIs(namespace, { "requests.cpu": "200m" });
  const limits = [{ type: "Container", min: { cpu: "100m" } }];
  await create(namespace, {
    apiVersion: "v1",
    kind: "LimitRange",
    metadata: { name: "l" },
    spec: { limits },
  });
  assert.match(await resize("50m"), /minimum cpu usage per Container is 100m, but request is 50m/);
});

test("what a pod asks for as a whole is counted instead of its containers", async () => {
  const namespace = await cluster.createNamespace();
  await makeQuota(namespace, "requests.cpu=1,limits.memory=1Gi");
  const own = podOf("whole") as { readonly spec: object };
  const resources = { requests: { cpu: "600m" }, limits: { memory: "512Mi" } };
  const whole = (name: string): object => ({
    ...own,
    metadata: { name },
    spec: { ...own.spec, resources },
  });
  assert.equal(await create(namespace, whole("one")), "created");
  await usedIs(namespace, { "requests.cpu": "600m", "limits.memory": "512Mi" });
  assert.match(
    await create(namespace, whole("two")),
    /exceeded quota: q, requested: requests.cpu=600m/,
  );
});

test("scopes choose the pods that count", async () => {
  const namespace = await cluster.createNamespace();
  await makeQuota(namespace, "pods=1", ["--scopes=BestEffort"]);
  assert.equal(await create(namespace, podOf("free")), "created");
  assert.match(await create(namespace, podOf("free-too")), /exceeded quota: q/);
  assert.equal(await create(namespace, podOf("asks", { requests: { cpu: "1" } })), "created");
});

const WIDGETS = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: widgets.example.com }
spec:
  group: example.com
  scope: Namespaced
  names: { plural: widgets, singular: widget, kind: Widget }
  versions: [{ name: v1, served: true, storage: true, schema: { openAPIV3Schema: { type: object } } }]
`;

test("custom objects count as any others", async () => {
  await cluster.apply(WIDGETS);
  const namespace = await cluster.createNamespace();
  await makeQuota(namespace, "count/widgets.example.com=1");
  const widget = (name: string): object => ({
    apiVersion: "example.com/v1",
    kind: "Widget",
    metadata: { name },
  });
  assert.equal(await create(namespace, widget("one")), "created");
  assert.match(await create(namespace, widget("two")), /exceeded quota: q/);
  await user.ok(["-n", namespace, "delete", "widgets.example.com", "one"]);
  await usedIs(namespace, { "count/widgets.example.com": "0" });
});

test("many creates at once never exceed a quota, and the last place is taken", async () => {
  const namespace = await cluster.createNamespace();
  await makeQuota(namespace, "pods=7");
  const names = Array.from({ length: 40 }, (_, at) => `pod-${at}`);
  const outcomes = await Promise.allSettled(
    names.map((name) =>
      cluster.client.create(pods, {
        metadata: { name, namespace },
        spec: { containers: [{ name: "c", image: "i" }] },
      }),
    ),
  );
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 7);
  const { items } = await cluster.client.list(pods, { namespace });
  assert.equal(items.length, 7);
  await usedIs(namespace, { pods: "7" });
});

test("what was reserved for a create that failed is given back", async () => {
  const namespace = await cluster.createNamespace();
  await makeQuota(namespace, "pods=5");
  await cluster.client.patch(
    resourceQuotas,
    { namespace, name: "q" },
    { type: "merge", body: { status: { used: { pods: "4" } } } },
    { subresource: "status" },
  );
  await usedIs(namespace, { pods: "0" });
});

test("a ReplicaSet tells that a quota stands in its way", async () => {
  const namespace = await cluster.createNamespace();
  await makeQuota(namespace, "pods=1");
  await user.ok(["-n", namespace, "create", "deployment", "web", "--image=i", "--replicas=2"]);
  const name = await until("the ReplicaSet", 5000, async () => {
    const { items } = await cluster.client.list(replicaSets, { namespace });
    return items[0]?.metadata.name;
  });
  const told = await cluster.waitFor(replicaSets, { namespace, name }, ({ status }) =>
    (status.conditions ?? []).some(({ type }) => type === "ReplicaFailure"),
  );
  const failure = told.status.conditions?.find(({ type }) => type === "ReplicaFailure");
  assert.match(
    failure?.message ?? "",
    /exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1/,
  );
});

const LIMITS = {
  apiVersion: "v1",
  kind: "LimitRange",
  metadata: { name: "l" },
  spec: {
    limits: [
      {
        type: "Container",
        max: { cpu: "2" },
        min: { cpu: "100m" },
        defaultRequest: { cpu: "200m" },
        default: { cpu: "500m" },
        maxLimitRequestRatio: { cpu: "4" },
      },
      { type: "Pod", max: { cpu: "3" } },
    ],
  },
};

test("a LimitRange fills in what containers leave out, and holds them to its bounds", async () => {
  const namespace = await cluster.createNamespace();
  assert.equal(await create(namespace, LIMITS), "created");
  assert.equal(await create(namespace, podOf("plain")), "created");
  const plain = await cluster.client.get(pods, { namespace, name: "plain" });
  assert.deepEqual(plain.spec.containers[0]?.resources, {
    limits: { cpu: "500m" },
    requests: { cpu: "200m" },
  });
  assert.equal(
    plain.metadata.annotations?.["kubernetes.io/limit-ranger"],
    "LimitRanger plugin set: cpu request for container c; cpu limit for container c",
  );
  assert.match(
    await create(namespace, podOf("big", { requests: { cpu: "1" }, limits: { cpu: "3" } })),
    /pods "big" is forbidden: maximum cpu usage per Container is 2, but limit is 3$/,
  );
  assert.match(
    await create(namespace, podOf("wide", { requests: { cpu: "50m" }, limits: { cpu: "1" } })),
    /forbidden: \[minimum cpu usage per Container is 100m, but request is 50m, cpu max limit to request ratio per Container is 4, but provided ratio is 20\.000000\]$/,
  );
  const described = await user.ok(["-n", namespace, "describe", "limits", "l"]);
  assert.match(described, /Container\s+cpu\s+100m\s+2\s+200m\s+500m\s+4\n/);
  assert.match(described, /Pod\s+cpu\s+-\s+3\s+-\s+-\s+-\n/);
});
