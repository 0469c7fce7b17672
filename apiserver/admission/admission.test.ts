import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import {
  configMaps,
  ingressClasses,
  ingresses,
  leases,
  namespaces,
  nodes,
  pods,
  priorityClasses,
  type Resource,
  runtimeClasses,
  services,
} from "#resources";
import type { Core } from "../chain/core.ts";
import type { AccessRequest, User } from "../chain/steps.ts";
import { TestCores } from "../test-core.ts";
import type { AdmissionOptions } from "./index.ts";

const ADMIN: User = { name: "admin", groups: ["system:masters"] };
const AGENT: User = { name: "system:node:n1", groups: ["system:nodes"] };

const cores = new TestCores();
after(() => cores.close());

/** Everybody may do everything here: what is refused, admission refuses. */
function newCore(
  options: Partial<AdmissionOptions> = {},
  allowed?: (request: AccessRequest) => boolean,
): Promise<Core> {
  return cores.openAdmitting(["default", "kube-node-lease"], options, allowed);
}

async function refused(action: Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(action, (error: unknown) => {
    assert(error instanceof StatusError, String(error));
    assert.match(error.message, message);
    return true;
  });
}

function pod(name: string, spec: JsonObject = {}): JsonObject {
  return { metadata: { name }, spec: { containers: [{ name: "c", image: "x" }], ...spec } };
}

const IN = { namespace: "default" };
const at = (resource: Resource, name?: string, subresource?: string) => ({
  resource,
  ...(resource.namespaced ? IN : {}),
  ...(name === undefined ? {} : { name }),
  ...(subresource === undefined ? {} : { subresource }),
});

test("nothing is created in a namespace that is not there, or goes", async () => {
  const api = (await newCore()).as(ADMIN);
  const map = { metadata: { name: "m" } };
  await refused(
    api.create({ resource: configMaps, namespace: "gone" }, map),
    /^namespaces "gone" not found$/,
  );
  await api.create({ resource: namespaces }, { metadata: { name: "going" } });
  await api.delete({ resource: namespaces, name: "going" });
  await refused(
    api.create({ resource: configMaps, namespace: "going" }, map),
    /^configmaps "m" is forbidden: unable to create new content in namespace going because it is being terminated$/,
  );
});

test("a cluster's own namespaces are not deleted", async () => {
  const api = (await newCore()).as(ADMIN);
  await refused(
    api.delete({ resource: namespaces, name: "default" }),
    /^namespaces "default" is forbidden: this namespace may not be deleted$/,
  );
});

test("a pod stays five minutes on a node that is lost, unless it says how long", async () => {
  const api = (await newCore()).as(ADMIN);
  const plain = await api.create(at(pods), pod("a"));
  const own = {
    key: "node.kubernetes.io/unreachable",
    operator: "Exists",
    effect: "NoExecute",
    tolerationSeconds: 1,
  };
  const told = await api.create(at(pods), pod("b", { tolerations: [own] }));
  const seconds = (object: unknown) =>
    (
      object as { spec: { tolerations: { key: string; tolerationSeconds: number }[] } }
    ).spec.tolerations.map(({ key, tolerationSeconds }) => [key.split("/")[1], tolerationSeconds]);
  assert.deepEqual(seconds(plain), [
    ["not-ready", 300],
    ["unreachable", 300],
  ]);
  assert.deepEqual(seconds(told), [
    ["unreachable", 1],
    ["not-ready", 300],
  ]);
});

test("a pod's priority comes from its class alone", async () => {
  const api = (await newCore()).as(ADMIN);
  const create = (name: string, fields: JsonObject) =>
    api.create({ resource: priorityClasses }, { metadata: { name }, ...fields });
  await create("high", { value: 100, preemptionPolicy: "Never" });
  await create("usual", { value: 5, globalDefault: true });
  await refused(
    create("other", { value: 6, globalDefault: true }),
    /^priorityclasses "other" is forbidden: PriorityClass usual is already marked as default/,
  );
  const specOf = async (name: string, spec: JsonObject) =>
    (await api.create(at(pods), pod(name, spec))) as unknown as { spec: JsonObject };
  const high = (await specOf("a", { priorityClassName: "high" })).spec;
  assert.deepEqual([high["priority"], high["preemptionPolicy"]], [100, "Never"]);
  const usual = (await specOf("b", {})).spec;
  assert.deepEqual([usual["priority"], usual["priorityClassName"]], [5, "usual"]);
  await refused(specOf("c", { priority: 7 }), /the integer value of priority \(7\) must not be/);
  await refused(
    specOf("d", { preemptionPolicy: "Never" }),
    /PreemptionPolicy \(Never\) must not be/,
  );
  await refused(specOf("e", { priorityClassName: "none" }), /^no PriorityClass with name none was/);
});

test("pod security asks nothing of those that are exempt", async () => {
  const core = await newCore({
    podSecurityExemptions: { namespaces: ["free"], users: ["ci"], runtimeClasses: ["vm"] },
  });
  const api = core.as(ADMIN);
  const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
  for (const name of ["free", "strict"])
    await api.create({ resource: namespaces }, { metadata: { name, labels } });
  const create = (who: User, namespace: string, spec?: JsonObject) =>
    core.as(who).create({ resource: pods, namespace }, pod("p", spec), { dryRun: true });
  await refused(
    create(ADMIN, "strict"),
    /^pods "p" is forbidden: violates PodSecurity "restricted/,
  );
  await create(ADMIN, "free");
  await create({ name: "ci", groups: [] }, "strict");
});

test("a new node takes no pods until it is ready", async () => {
  const api = (await newCore()).as(AGENT);
  const node = await api.create(at(nodes), { metadata: { name: "n1" } });
  assert.deepEqual((node as unknown as { spec: JsonObject }).spec["taints"], [
    { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" },
  ]);
});

test("an agent changes its own node, and there what it knows", async () => {
  const core = await newCore();
  const agent = core.as(AGENT);
  await refused(
    agent.create(at(nodes), { metadata: { name: "n2" } }),
    /^nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"$/,
  );
  const labels = {
    "kubernetes.io/hostname": "n1",
    "topology.kubernetes.io/zone": "z",
    disk: "ssd",
  };
  await agent.create(at(nodes), { metadata: { name: "n1", labels } });
  const change = (body: JsonObject, subresource?: string) =>
    agent.patch(at(nodes, "n1", subresource), { type: "merge", body });
  await change({ metadata: { labels: { disk: "hdd" } } });
  await change({ status: { phase: "Running" } }, "status");
  for (const label of ["node-restriction.kubernetes.io/pci", "node-role.kubernetes.io/x"]) {
    const body = { metadata: { labels: { [label]: "yes" } } };
    await refused(change(body), /is not allowed to modify labels: node-r/);
    await refused(change(body, "status"), /is not allowed to modify labels: node-r/);
  }
  await refused(change({ spec: { taints: [] } }), /node "n1" is not allowed to modify taints$/);
});

test("an agent writes about the pods of its node, and does not relabel them", async () => {
  const core = await newCore();
  const [admin, agent] = [core.as(ADMIN), core.as(AGENT)];
  await refused(agent.create(at(pods), pod("x")), /node "n1" may not create pods$/);
  await admin.create(at(pods), pod("mine", { nodeName: "n1" }));
  await admin.create(at(pods), pod("other", { nodeName: "n2" }));
  const write = (name: string, body: JsonObject) =>
    agent.patch(at(pods, name, "status"), { type: "merge", body });
  await write("mine", { status: { phase: "Running" } });
  await refused(write("other", { status: {} }), /can only change pods with spec.nodeName set/);
  await refused(agent.delete(at(pods, "other")), /can only change pods with spec.nodeName set/);
  await refused(
    write("mine", { metadata: { labels: { app: "bank" } } }),
    /cannot update labels through pod status$/,
  );
  await agent.delete(at(pods, "mine"), { gracePeriodSeconds: 0 });
});

test("an agent renews its own lease, among the nodes' leases", async () => {
  const agent = (await newCore()).as(AGENT);
  const create = (namespace: string, name: string) =>
    agent.create({ resource: leases, namespace }, { metadata: { name } });
  await create("kube-node-lease", "n1");
  await refused(create("kube-node-lease", "n2"), /may only access its own lease$/);
  await refused(create("default", "n1"), /can only access leases in the "kube-node-lease" system/);
});

test("each service has an address of its own, and keeps it", async () => {
  const api = (await newCore()).as(ADMIN);
  const create = (name: string, spec: JsonObject = {}) =>
    api.create(at(services), { metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } });
  const made = await Promise.all(["a", "b", "c", "d"].map((name) => create(name)));
  const addresses = made.map((each) => (each as unknown as { spec: JsonObject }).spec["clusterIP"]);
  assert.equal(new Set(addresses).size, 4);
  await refused(
    create("e", { clusterIP: String(addresses[0]) }),
    /spec.clusterIPs: Invalid value: \["10\.96\.0\.\d+"\]: failed to allocate IP 10\.96\.0\.\d+: provided IP is already allocated$/,
  );
  await refused(
    create("f", { clusterIP: "10.97.0.1" }),
    /the provided IP \(10\.97\.0\.1\) is not in the valid range. The range of valid IPs is 10\.96\.0\.0/,
  );
  const next = await api.patch(at(services, "a"), {
    type: "merge",
    body: { spec: { type: "NodePort" } },
  });
  const { clusterIP, ports } = (next as unknown as { spec: JsonObject }).spec;
  assert.equal(clusterIP, addresses[0]);
  const [port] = ports as readonly JsonObject[];
  assert(Number(port?.["nodePort"]) >= 30_000);
  await refused(
    create("g", { type: "NodePort", ports: [{ port: 80, nodePort: port?.["nodePort"] ?? 0 }] }),
    /provided port is already allocated$/,
  );
});

test("a service without an address or port of the cluster's gets none", async () => {
  const api = (await newCore()).as(ADMIN);
  const specOf = async (name: string, spec: JsonObject): Promise<JsonObject> => {
    const made = await api.create(at(services), { metadata: { name }, spec });
    return (made as unknown as { spec: JsonObject }).spec;
  };
  const ports = [{ port: 80 }];
  assert.equal((await specOf("headless", { clusterIP: "None", ports }))["clusterIP"], "None");
  const elsewhere = await specOf("elsewhere", { type: "ExternalName", externalName: "db.example" });
  assert.equal(elsewhere["clusterIP"], undefined);
  await refused(
    api.create(at(services), {
      metadata: { name: "low" },
      spec: { type: "NodePort", ports: [{ port: 80, nodePort: 80 }] },
    }),
    /provided port is not in the valid range/,
  );
});

test("a pod gets what its runtime class needs, and goes where it is", async () => {
  const api = (await newCore()).as(ADMIN);
  await refused(
    api.create(at(pods), pod("a", { runtimeClassName: "vm" })),
    /^pods "a" is forbidden: pod rejected: RuntimeClass "vm" not found$/,
  );
  await api.create(at(runtimeClasses), {
    metadata: { name: "vm" },
    handler: "kata",
    overhead: { podFixed: { memory: "120Mi" } },
    scheduling: { nodeSelector: { vm: "yes" }, tolerations: [{ key: "vm", operator: "Exists" }] },
  });
  const specOf = async (name: string, spec: JsonObject) =>
    (await api.create(at(pods), pod(name, spec))) as unknown as { spec: JsonObject };
  const { spec } = await specOf("b", { runtimeClassName: "vm", nodeSelector: { disk: "ssd" } });
  assert.deepEqual(spec["overhead"], { memory: "120Mi" });
  assert.deepEqual(spec["nodeSelector"], { disk: "ssd", vm: "yes" });
  assert(JSON.stringify(spec["tolerations"]).includes('"key":"vm"'));
  await refused(
    specOf("c", { runtimeClassName: "vm", overhead: { memory: "1Mi" } }),
    /Pod's Overhead doesn't match RuntimeClass's defined Overhead$/,
  );
  await refused(specOf("d", { overhead: { memory: "1Mi" } }), /Pod Overhead set without/);
  await refused(
    specOf("e", { runtimeClassName: "vm", nodeSelector: { vm: "no" } }),
    /conflict: runtimeClass.scheduling.nodeSelector\[vm\] = yes; pod.spec.nodeSelector\[vm\] = no$/,
  );
});

test("an ingress without a class gets the default one, the newest of several", async () => {
  const api = (await newCore()).as(ADMIN);
  const classOf = async (name: string, fields: JsonObject = {}) => {
    const made = await api.create(at(ingresses), {
      metadata: { name, ...(fields["metadata"] as JsonObject) },
      spec: { defaultBackend: { service: { name: "s", port: { number: 80 } } }, ...fields },
    });
    return (made as unknown as { spec: JsonObject }).spec["ingressClassName"];
  };
  assert.equal(await classOf("a"), undefined);
  const annotations = { "ingressclass.kubernetes.io/is-default-class": "true" };
  for (const name of ["one", "two"])
    await api.create(at(ingressClasses), {
      metadata: { name, ...(name === "two" ? { annotations } : {}) },
      spec: { controller: "example.com/ingress" },
    });
  assert.equal(await classOf("b"), "two");
  assert.equal(await classOf("c", { ingressClassName: "one" }), "one");
});

test("a pod learns where its node is, when it is bound to it or made for it", async () => {
  const api = (await newCore()).as(ADMIN);
  const labels = { "topology.kubernetes.io/zone": "z1", "kubernetes.io/hostname": "n1" };
  await api.create(at(nodes), { metadata: { name: "n1", labels } });
  await api.create(at(pods), pod("bound"));
  await api.create(at(pods, "bound", "binding"), { target: { name: "n1" } });
  await api.create(at(pods), pod("made", { nodeName: "n1" }));
  for (const name of ["bound", "made"]) {
    const { metadata } = await api.get(at(pods, name));
    assert.deepEqual(metadata.labels, { "topology.kubernetes.io/zone": "z1" });
  }
});

test("where it is asked for, only who may delete an object says who owns it", async () => {
  const owned = {
    metadata: {
      name: "m",
      ownerReferences: [
        { apiVersion: "v1", kind: "Pod", name: "p", uid: "u", blockOwnerDeletion: true },
      ],
    },
  };
  const allowing = (...allowed: string[]) =>
    newCore(
      { plugins: new Set(["OwnerReferencesPermissionEnforcement"]) },
      ({ resource, subresource, user, verb }) => {
        const what = `${verb} ${subresource === undefined ? resource : `${resource}/${subresource}`}`;
        return user.name !== "eve" || allowed.includes(what);
      },
    );
  const create = async (core: Promise<Core>) =>
    (await core).as({ name: "eve", groups: [] }).create(at(configMaps), owned);
  await refused(
    create(allowing("create configmaps")),
    /^configmaps "m" is forbidden: cannot set an ownerRef on/,
  );
  await refused(
    create(allowing("create configmaps", "delete configmaps")),
    /cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on/,
  );
  await create(allowing("create configmaps", "delete configmaps", "update pods/finalizers"));
  await (await newCore({}, ({ verb }) => verb !== "delete"))
    .as(ADMIN)
    .create(at(configMaps), owned);
});
