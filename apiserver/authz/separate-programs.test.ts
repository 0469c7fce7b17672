import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, EventRecorder, Informers } from "#client";
import { controllerOf } from "#lib/api/owner";
import { silentLogger } from "#lib/logger";
import { systemClock as clock } from "#lib/system-clock";
import { systemRandom as random } from "#lib/system-random";
import type { Role, RoleBinding } from "#proto/rbac/v1";
import {
  cronJobs,
  deployments,
  jobs,
  leases,
  nodes,
  pods,
  replicationControllers,
  roleBindings,
  roles,
  statefulSets,
} from "#resources";
import { grpcTransport } from "../../client/transport/grpc.ts";
import { startControllers } from "../../controllers/index.ts";
import { startScheduler } from "../../scheduler/index.ts";
import { startTestServer, type TestServer } from "../../test/harness/api-server.ts";
import { kubectl } from "../../test/harness/kubectl.ts";
import { until } from "../../test/harness/until.ts";
import { reconcileDefaultAccess, reconcileNamespaceAccess } from "../bootstrap/default-access.ts";

/** What is handed to a program that reaches the server by its own certificate. */
async function contextOf(server: TestServer, user: string, groups: readonly string[] = []) {
  const { certificate, key } = await server.credential(user, groups);
  const transport = grpcTransport({
    address: `127.0.0.1:${server.server.grpcPort}`,
    authority: server.authority.certificate,
    certificate,
    key,
  });
  const client = new Client(transport);
  const informers = new Informers({ client, clock, random, logger: silentLogger });
  const recorder = new EventRecorder({
    client,
    component: user,
    clock,
    random,
    logger: silentLogger,
  });
  const actingAs = (account: string): Client =>
    new Client(transport.as(`system:serviceaccount:kube-system:${account}`));
  const common = { clock, random, logger: silentLogger };
  return { transport, client, actingAs, informers, recorder, ...common };
}

const template = {
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "web", image: "web:1" }] },
};

test("controllers and scheduler do their work with no more rights than their roles give", {
  timeout: 30_000,
}, async () => {
  await using server = await startTestServer();
  const admin = await contextOf(server, "admin", ["system:masters"]);
  const controllers = await contextOf(server, "system:kube-controller-manager");
  const scheduler = await contextOf(server, "system:kube-scheduler");
  const loops = [startControllers(controllers), startScheduler(scheduler)];
  const following = [controllers.informers.start(), scheduler.informers.start()];
  try {
    await makeNode(admin.client);
    await admin.client.create(deployments, {
      metadata: { namespace: "default", name: "web" },
      spec: { replicas: 2, selector: { matchLabels: { app: "web" } }, template },
    });
    const bound = await until("two bound pods", 15_000, async () => {
      const { items } = await admin.client.list(pods, { namespace: "default" });
      return items.filter((pod) => pod.spec.nodeName === "n1").length === 2;
    });
    assert.ok(bound);
    await admin.client.delete(deployments, { namespace: "default", name: "web" });
    await until("no pods", 15_000, async () => {
      const { items } = await admin.client.list(pods, { namespace: "default" });
      return items.every((pod) => pod.metadata.deletionTimestamp !== undefined);
    });
  } finally {
    await Promise.all(loops.map((loop) => loop.close()));
    await Promise.all([controllers, scheduler].map(({ informers }) => informers.close()));
    await Promise.all(following);
    for (const { transport } of [admin, controllers, scheduler]) transport.close();
  }
});

test("controllers may do what each kind of workload asks of them", {
  timeout: 30_000,
}, async () => {
  await using server = await startTestServer();
  const admin = await contextOf(server, "admin", ["system:masters"]);
  const controllers = await contextOf(server, "system:kube-controller-manager");
  const loop = startControllers(controllers);
  const following = controllers.informers.start();
  const { client } = admin;
  const namespace = "default";
  const own = async (kind: string) =>
    (await client.list(pods, { namespace })).items.find((pod) => controllerOf(pod)?.kind === kind);
  try {
    const claim = {
      metadata: { name: "data" },
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
    };
    const selector = { matchLabels: template.metadata.labels };
    const stateful = { selector, template, serviceName: "web", volumeClaimTemplates: [claim] };
    const metadata = { namespace, name: "web" };
    await client.create(statefulSets, { metadata, spec: stateful } as never);
    await client.create(replicationControllers, { metadata, spec: { template } } as never);
    const run = { spec: { ...template.spec, restartPolicy: "Never" } };
    const jobTemplate = { spec: { template: run } };
    await client.create(cronJobs, {
      metadata,
      spec: { schedule: "@every 1s", jobTemplate },
    } as never);
    for (const kind of ["StatefulSet", "ReplicationController", "Job"])
      await until(`a pod of a ${kind}`, 10_000, async () => (await own(kind)) !== undefined);
    const pod = await own("Job");
    const key = { namespace, name: pod?.metadata.name ?? "" };
    const body = { status: { phase: "Succeeded" } };
    await client.patch(pods, key, { type: "merge", body }, { subresource: "status" });
    await until("the Job's end", 10_000, async () =>
      (await client.list(jobs, { namespace })).items.some(({ status }) => status.succeeded === 1),
    );
  } finally {
    await loop.close();
    await controllers.informers.close();
    await following;
    for (const { transport } of [admin, controllers]) transport.close();
  }
});

test("controllers may write into roles what those gather, and kubectl shows it", {
  timeout: 30_000,
}, async () => {
  await using server = await startTestServer();
  const controllers = await contextOf(server, "system:kube-controller-manager");
  const loop = startControllers(controllers);
  const following = controllers.informers.start();
  const k = await kubectl(server.kubeconfig, server.directory);
  const show = () => k.ok(["get", "clusterrole", "admin", "-o", "yaml"]);
  try {
    // Of view's, by way of edit; of edit's own; of admin's own.
    for (const resource of ["pods/log", "pods/eviction", "localsubjectaccessreviews"])
      await until(resource, 10_000, async () => (await show()).includes(`  - ${resource}\n`));
    const reconciled = await show();
    await reconcileDefaultAccess(server.server.core.as({ name: "b", groups: ["system:masters"] }));
    assert.equal(await show(), reconciled);
  } finally {
    await loop.close();
    await controllers.informers.close();
    await following;
    controllers.transport.close();
  }
});

test("each of them leads its lease and no other", { timeout: 20_000 }, async () => {
  await using server = await startTestServer();
  const { client, transport } = await contextOf(server, "system:kube-scheduler");
  const lease = (name: string) =>
    client.create(leases, { metadata: { namespace: "kube-system", name }, spec: {} });
  try {
    const own = await lease("naru-scheduler");
    await client.update(leases, own);
    const other = await lease("naru-controllers");
    await assert.rejects(client.update(leases, other), {
      message:
        'leases.coordination.k8s.io "naru-controllers" is forbidden: User "system:kube-scheduler" cannot update resource "leases" in API group "coordination.k8s.io" in the namespace "kube-system"',
    });
    await assert.rejects(client.list(deployments, { namespace: "default" }), {
      message:
        'deployments.apps is forbidden: User "system:kube-scheduler" cannot list resource "deployments" in API group "apps" in the namespace "default"',
    });
  } finally {
    transport.close();
  }
});

async function makeNode(client: Client): Promise<void> {
  const made = await client.create(nodes, { metadata: { name: "n1" } });
  const status = {
    capacity: { cpu: "4", memory: "8Gi", pods: "110" },
    allocatable: { cpu: "4", memory: "8Gi", pods: "110" },
    conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: new Date().toISOString() }],
  };
  await client.patch(
    nodes,
    { name: made.metadata.name ?? "" },
    { type: "strategic", body: { status: JSON.parse(JSON.stringify(status)) } },
    { subresource: "status" },
  );
}

test("each controller may what its own role says: not more, and not in its program's name", {
  timeout: 30_000,
}, async () => {
  await using server = await startTestServer();
  const { actingAs, client, transport } = await contextOf(server, "system:kube-controller-manager");
  const make = (by: Client): Promise<string> =>
    by
      .create(pods, {
        metadata: { namespace: "default", generateName: "p-" },
        spec: template.spec as never,
      })
      .then(
        () => "made",
        (error: Error) => error.message,
      );
  try {
    assert.equal(await make(actingAs("replicaset-controller")), "made");
    assert.match(
      await make(actingAs("deployment-controller")),
      /User "system:serviceaccount:kube-system:deployment-controller" cannot create resource "pods"/,
    );
    assert.match(await make(client), /User "system:kube-controller-manager" cannot create/);
    for (const other of ["system:serviceaccount:default:replicaset-controller", "admin"]) {
      const why = await make(new Client(transport.as(other)));
      assert.match(why, /User "system:kube-controller-manager" cannot impersonate resource/);
    }
  } finally {
    transport.close();
  }
});

test("the default roles in namespaces are there, and are completed when one lacks a rule", {
  timeout: 30_000,
}, async () => {
  await using server = await startTestServer();
  const api = server.server.core.as({ name: "b", groups: ["system:masters"] });
  const k = await kubectl(server.kubeconfig, server.directory);
  const list = await k.ok(["get", "roles,rolebindings", "-A", "-o=name"]);
  for (const name of ["token-cleaner", "bootstrap-signer", "cloud-provider"])
    assert.equal(
      list.split(`/system:controller:${name}\n`).length,
      name === "bootstrap-signer" ? 5 : 3,
    );
  const at = { resource: roles, namespace: "kube-system", name: "system:controller:token-cleaner" };
  await api.patch(at, { type: "merge", body: { rules: [] } });
  const binding = { ...at, resource: roleBindings };
  await api.patch(binding, { type: "merge", body: { subjects: [] } });
  await reconcileNamespaceAccess(api);
  const { rules } = (await api.get(at)) as unknown as Role;
  const ofSecrets = (rules ?? []).filter(({ resources }) => resources?.includes("secrets"));
  const verbs = ofSecrets.flatMap((rule) => rule.verbs);
  assert.deepEqual(verbs.toSorted(), ["delete", "get", "list", "watch"]);
  const { subjects } = (await api.get(binding)) as unknown as RoleBinding;
  assert.deepEqual(subjects, [
    { kind: "ServiceAccount", name: "token-cleaner", namespace: "kube-system" },
  ]);
  const off = { "rbac.authorization.kubernetes.io/autoupdate": "false" };
  const kept = { metadata: { annotations: off }, rules: [] };
  await api.patch(at, { type: "merge", body: kept });
  await reconcileNamespaceAccess(api);
  assert.deepEqual(((await api.get(at)) as unknown as Role).rules ?? [], []);
});
