/** @kubernetes/client-node as its users write it: typed calls, patches, watches, informers; the nodes are simulated. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  ApiException,
  AppsV1Api,
  AuthorizationV1Api,
  BatchV1Api,
  CoreV1Api,
  CustomObjectsApi,
  Health,
  KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  loadYaml,
  makeInformer,
  PatchStrategy,
  RbacAuthorizationV1Api,
  setHeaderOptions,
  type V1ConfigMap,
  VersionApi,
  Watch,
} from "@kubernetes/client-node";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { startTestControllers } from "../harness/controllers.ts";
import { until } from "../harness/until.ts";

const TIMEOUT = { timeout: 60_000 };
const namespace = "default";

let server: TestServer;
let controllers: AsyncDisposable;
let config: KubeConfig;
let core: CoreV1Api;
let apps: AppsV1Api;

before(async () => {
  server = await startTestServer();
  controllers = await startTestControllers(server, ["n1"]);
  config = new KubeConfig();
  config.loadFromFile(server.kubeconfig);
  core = config.makeApiClient(CoreV1Api);
  apps = config.makeApiClient(AppsV1Api);
}, TIMEOUT);

after(async () => {
  await controllers[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
}, TIMEOUT);

test("typed calls create, read, list, replace and delete", TIMEOUT, async () => {
  const made = await core.createNamespacedConfigMap({
    namespace,
    body: { metadata: { name: "words", labels: { a: "b" } }, data: { one: "1" } },
  });
  assert.ok(made.metadata?.creationTimestamp instanceof Date);
  const read = await core.readNamespacedConfigMap({ namespace, name: "words" });
  const replaced = await core.replaceNamespacedConfigMap({
    namespace,
    name: "words",
    body: { ...read, data: { one: "2" } },
  });
  assert.equal(replaced.data?.["one"], "2");
  await assert.rejects(
    core.replaceNamespacedConfigMap({ namespace, name: "words", body: read }),
    (error) => error instanceof ApiException && error.code === 409,
  );
  const { items } = await core.listNamespacedConfigMap({
    namespace,
    labelSelector: "a=b",
    limit: 1,
  });
  assert.deepEqual(
    items.map((each) => each.metadata?.name),
    ["words"],
  );
  assert.equal(
    (await core.listConfigMapForAllNamespaces({ fieldSelector: "metadata.name=words" })).items
      .length,
    1,
  );
  const gone = await core.deleteNamespacedConfigMap({ namespace, name: "words" });
  assert.equal(gone.status, "Success");
  await assert.rejects(
    core.readNamespacedConfigMap({ namespace, name: "words" }),
    (error) =>
      error instanceof ApiException &&
      error.code === 404 &&
      /"reason":"NotFound"/.test(String(error.body)),
  );
});

const TEMPLATE = {
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "main", image: "x" }] },
};

test(
  "a Deployment is created, scaled, watched over and deleted with its pods",
  TIMEOUT,
  async () => {
    const body = {
      metadata: { name: "web" },
      spec: { replicas: 1, selector: { matchLabels: { app: "web" } }, template: TEMPLATE },
    };
    await apps.createNamespacedDeployment({ namespace, body });
    const scale = await apps.readNamespacedDeploymentScale({ namespace, name: "web" });
    await apps.replaceNamespacedDeploymentScale({
      namespace,
      name: "web",
      body: { ...scale, spec: { replicas: 2 } },
    });
    await until(
      "two replicas",
      20_000,
      async () =>
        (await apps.readNamespacedDeploymentStatus({ namespace, name: "web" })).status
          ?.availableReplicas === 2,
    );
    await apps.deleteNamespacedDeployment({
      namespace,
      name: "web",
      propagationPolicy: "Foreground",
    });
    await until(
      "the pods' end",
      20_000,
      async () =>
        (await core.listNamespacedPod({ namespace, labelSelector: "app=web" })).items.length === 0,
    );
  },
);

test("patches of all kinds", TIMEOUT, async () => {
  const body = {
    metadata: { name: "patched" },
    spec: { replicas: 0, selector: { matchLabels: { app: "web" } }, template: TEMPLATE },
  };
  await apps.createNamespacedDeployment({ namespace, body });
  const patch = (strategy: (typeof PatchStrategy)[keyof typeof PatchStrategy], change: object) =>
    apps.patchNamespacedDeployment(
      {
        namespace,
        name: "patched",
        body: change,
        fieldManager: "client-node",
        force: undefined as never,
      },
      setHeaderOptions("Content-Type", strategy),
    );
  await patch(PatchStrategy.JsonPatch, [
    { op: "add", path: "/metadata/labels", value: { tier: "front" } },
  ]);
  await patch(PatchStrategy.MergePatch, { spec: { minReadySeconds: 3 } });
  await patch(PatchStrategy.StrategicMergePatch, {
    spec: { template: { spec: { containers: [{ name: "side", image: "y" }] } } },
  });
  const applied = await patch(PatchStrategy.ServerSideApply, {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "patched", annotations: { by: "apply" } },
  });
  assert.deepEqual(applied.metadata?.labels, { tier: "front" });
  assert.equal(applied.metadata?.annotations?.["by"], "apply");
  assert.equal(applied.spec?.minReadySeconds, 3);
  assert.deepEqual(applied.spec?.template.spec?.containers.map((each) => each.name).toSorted(), [
    "main",
    "side",
  ]);
  assert.ok(
    applied.metadata?.managedFields?.some(
      (each) => each.manager === "client-node" && each.operation === "Apply",
    ),
  );
});

test("objects of any kind out of YAML", TIMEOUT, async () => {
  const client = KubernetesObjectApi.makeApiClient(config);
  const spec = loadYaml<KubernetesObject & { data: Record<string, string> }>(
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: any, namespace: default}\ndata: {a: '1'}\n",
  );
  await client.create(spec);
  await client.patch({ ...spec, data: { b: "2" } } as typeof spec);
  const read = await client.read<V1ConfigMap & KubernetesObject>({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "any", namespace },
  });
  assert.deepEqual(read.data, { a: "1", b: "2" });
  const list = await client.list("apps/v1", "Deployment", namespace);
  assert.deepEqual(
    list.items.map((each) => each.metadata?.name),
    ["patched"],
  );
  await client.delete(spec);
});

test("a watch brings events as they happen, and ends with its time", TIMEOUT, async () => {
  const seen: string[] = [];
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const done = new Promise<unknown>((resolve) => {
    void new Watch(config).watch(
      path,
      { timeoutSeconds: 3, allowWatchBookmarks: true, labelSelector: "watched" },
      (phase, object) => seen.push(`${phase} ${object.metadata.name}`),
      resolve,
    );
  });
  await core.createNamespacedConfigMap({
    namespace,
    body: { metadata: { name: "seen", labels: { watched: "" } } },
  });
  await core.deleteNamespacedConfigMap({ namespace, name: "seen" });
  await done;
  assert.deepEqual(
    seen.filter((each) => !each.startsWith("BOOKMARK")),
    ["ADDED seen", "DELETED seen"],
  );
});

test("an informer keeps a copy that follows", TIMEOUT, async () => {
  const path = `/api/v1/namespaces/${namespace}/secrets`;
  const informer = makeInformer(config, path, () => core.listNamespacedSecret({ namespace }));
  const events: string[] = [];
  for (const verb of ["add", "update", "delete"] as const)
    informer.on(verb, (object) => events.push(`${verb} ${object.metadata?.name}`));
  await core.createNamespacedSecret({ namespace, body: { metadata: { name: "first" } } });
  await informer.start();
  await core.createNamespacedSecret({
    namespace,
    body: { metadata: { name: "second" }, stringData: { a: "b" } },
  });
  await core.patchNamespacedSecret({
    namespace,
    name: "second",
    body: [{ op: "add", path: "/metadata/labels", value: { a: "b" } }],
  });
  await core.deleteNamespacedSecret({ namespace, name: "second" });
  await until("the deletion", 10_000, async () => events.includes("delete second"));
  assert.deepEqual(events, ["add first", "add second", "update second", "delete second"]);
  assert.deepEqual(
    informer.list().map((each) => each.metadata?.name),
    ["first"],
  );
  await informer.stop();
});

test("custom objects", TIMEOUT, async () => {
  const client = KubernetesObjectApi.makeApiClient(config);
  const definition = loadYaml<KubernetesObject>(`apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: tills.shop.example}
spec:
  group: shop.example
  scope: Namespaced
  names: {plural: tills, kind: Till}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
`);
  await client.create(definition);
  const custom = config.makeApiClient(CustomObjectsApi);
  const kind = { group: "shop.example", version: "v1", plural: "tills", namespace };
  const till = {
    apiVersion: "shop.example/v1",
    kind: "Till",
    metadata: { name: "front" },
    spec: { drawer: "shut" },
  };
  await until("the kind", 10_000, () =>
    custom.createNamespacedCustomObject({ ...kind, body: till }),
  );
  const { items } = (await custom.listNamespacedCustomObject(kind)) as { items: (typeof till)[] };
  assert.deepEqual(
    items.map(({ spec }) => spec),
    [{ drawer: "shut" }],
  );
  await custom.deleteNamespacedCustomObject({ ...kind, name: "front" });
});

test("health, version, access and impersonation", TIMEOUT, async () => {
  assert.equal(await new Health(config).readyz({}), true);
  assert.match((await config.makeApiClient(VersionApi).getCode()).gitVersion, /^v1\./);
  const eve = new KubeConfig();
  eve.loadFromFile(server.kubeconfig);
  const user = { ...eve.getCurrentUser(), name: "eve", impersonateUser: "eve" };
  eve.loadFromOptions({
    clusters: eve.clusters,
    users: [user],
    contexts: [{ name: "eve", user: "eve", cluster: eve.clusters[0]?.name ?? "" }],
    currentContext: "eve",
  });
  const ask = async (verb: string) => {
    const body = { spec: { resourceAttributes: { namespace, verb, resource: "pods" } } };
    return (await eve.makeApiClient(AuthorizationV1Api).createSelfSubjectAccessReview({ body }))
      .status?.allowed;
  };
  assert.equal(await ask("list"), false);
  const subjects = [{ kind: "User", name: "eve", apiGroup: "rbac.authorization.k8s.io" }];
  const roleRef = { kind: "ClusterRole", name: "view", apiGroup: "rbac.authorization.k8s.io" };
  await config.makeApiClient(RbacAuthorizationV1Api).createNamespacedRoleBinding({
    namespace,
    body: { metadata: { name: "eve" }, roleRef, subjects },
  });
  assert.equal(await ask("list"), true);
  assert.equal(await ask("delete"), false);
});

test("times go there and back with their fractions", TIMEOUT, async () => {
  const batch = config.makeApiClient(BatchV1Api);
  const template = { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "ends" }] } };
  await batch.createNamespacedJob({
    namespace,
    body: { metadata: { name: "once" }, spec: { template } },
  });
  const job = await until("the Job's end", 20_000, async () => {
    const read = await batch.readNamespacedJobStatus({ namespace, name: "once" });
    return read.status?.completionTime === undefined ? undefined : read;
  });
  const replaced = await batch.replaceNamespacedJobStatus({ namespace, name: "once", body: job });
  assert.deepEqual(replaced.status?.completionTime, job.status?.completionTime);
});
