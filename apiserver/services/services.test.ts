import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { JsonObject } from "#lib/json";
import type { Service } from "#proto/core/v1";
import type { IPAddress } from "#proto/networking/v1";
import { ipAddresses, serviceCidrs, services } from "#resources";
import type { Core, InProcess } from "../chain/core.ts";
import { TestCores } from "../test-core.ts";
import { nodePortRecords } from "./records.ts";

const cores = new TestCores();
after(() => cores.close());

const ADMIN = { name: "admin", groups: ["system:masters"] };
const namespace = "team";
const PORTS = [{ port: 80 }];
const at = (name?: string) => ({
  resource: services,
  namespace,
  ...(name === undefined ? {} : { name }),
});

async function open(serviceCidr = "10.96.0.0/24"): Promise<{ core: Core; api: InProcess }> {
  const core = await cores.openAdmitting([namespace], { serviceCidr });
  return { core, api: core.as(ADMIN) };
}

async function made(api: InProcess, name: string, spec: JsonObject = {}): Promise<Service> {
  const given = { metadata: { name }, spec: { ports: PORTS, ...spec } };
  return (await api.create(at(), given)) as Service;
}

async function patched(api: InProcess, name: string, spec: JsonObject): Promise<Service> {
  return (await api.patch(at(name), { type: "merge", body: { spec } })) as Service;
}

async function namesOf(core: Core, resource: typeof ipAddresses | typeof nodePortRecords) {
  return (await core.steps.reader.list({ resource })).items.map(
    ({ object }) => object.metadata.name,
  );
}

const refused = (call: Promise<unknown>, message: RegExp) =>
  assert.rejects(call, (error: Error) => {
    assert.match(error.message, message);
    return true;
  });

test("a service's address is an IPAddress that names it, and goes with it", async () => {
  const { api, core } = await open();
  const { spec } = await made(api, "web");
  const name = spec.clusterIP ?? "";
  const record = (await api.get({ resource: ipAddresses, name })) as IPAddress;
  assert.deepEqual(record.spec.parentRef, { resource: "services", namespace, name: "web" });
  assert.deepEqual(record.metadata.labels, {
    "ipaddress.kubernetes.io/ip-family": "IPv4",
    "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
  });
  await api.delete(at("web"));
  assert.deepEqual(await namesOf(core, ipAddresses), []);
});

test("a service that is not made takes nothing, nor does a dry run", async () => {
  const { api, core } = await open();
  await made(api, "web", { type: "NodePort" });
  const before = [await namesOf(core, ipAddresses), await namesOf(core, nodePortRecords)];
  await refused(made(api, "web", { type: "NodePort" }), /services "web" already exists/);
  await refused(made(api, "other", { type: "NodePort", ports: [] }), /spec.ports: Required value/);
  const spec = { type: "NodePort", ports: PORTS };
  await api.create(at(), { metadata: { name: "dry" }, spec }, { dryRun: true });
  const after = [await namesOf(core, ipAddresses), await namesOf(core, nodePortRecords)];
  assert.deepEqual(after, before);
});

test("what a service gives up when it changes is free at once", async () => {
  const { api, core } = await open();
  const { spec } = await made(api, "web", { type: "NodePort" });
  const [port] = spec.ports ?? [];
  assert.deepEqual(await namesOf(core, nodePortRecords), [String(port?.nodePort)]);
  const plain = await patched(api, "web", { type: "ClusterIP" });
  assert.equal(plain.spec.ports?.[0]?.nodePort, undefined);
  assert.equal(plain.spec.clusterIP, spec.clusterIP);
  assert.deepEqual(await namesOf(core, nodePortRecords), []);
  await patched(api, "web", { type: "ExternalName", externalName: "a.example", clusterIP: null });
  assert.deepEqual(await namesOf(core, ipAddresses), []);
});

test("what comes by itself comes out of the dynamic bands as long as they last", async () => {
  const { api } = await open();
  for (let at = 0; at < 30; at++) {
    const { spec } = await made(api, `s${at}`, { type: "NodePort" });
    assert.ok(Number(spec.clusterIP?.split(".")[3]) > 16);
    assert.ok(Number(spec.ports?.[0]?.nodePort) >= 30_086);
  }
});

test("a number on the nodes is one service's, for several protocols if it likes", async () => {
  const { api } = await open();
  const dns = (nodePort?: number) =>
    ["TCP", "UDP"].map((protocol) => ({
      name: protocol.toLowerCase(),
      port: 53,
      protocol,
      ...(nodePort === undefined ? {} : { nodePort }),
    }));
  const named = await made(api, "named", { type: "NodePort", ports: dns(30_053) });
  assert.deepEqual(
    named.spec.ports?.map(({ nodePort }) => nodePort),
    [30_053, 30_053],
  );
  const { spec } = await made(api, "chosen", { type: "NodePort", ports: dns() });
  const [tcp, udp] = spec.ports ?? [];
  assert.ok(tcp?.nodePort !== undefined && tcp.nodePort === udp?.nodePort);
  await refused(
    made(api, "other", { type: "NodePort", ports: [{ ...dns(30_053)[1], port: 53 }] }),
    /spec\.ports\[0\]\.nodePort: Invalid value: 30053: provided port is already allocated$/,
  );
  const kept = await patched(api, "named", {
    ports: [{ name: "udp", port: 54, protocol: "UDP" }],
  });
  assert.equal(kept.spec.ports?.[0]?.nodePort, 30_053);
});

test("a load balancer that asks each node gets a port to ask at, and keeps it", async () => {
  const { api, core } = await open();
  const local = { type: "LoadBalancer", externalTrafficPolicy: "Local" };
  const { spec } = await made(api, "web", { ...local, allocateLoadBalancerNodePorts: false });
  const port = spec.healthCheckNodePort;
  assert.ok(port !== undefined && port >= 30_086);
  assert.deepEqual(await namesOf(core, nodePortRecords), [String(port)]);
  assert.equal(
    (await patched(api, "web", { sessionAffinity: "ClientIP" })).spec.healthCheckNodePort,
    port,
  );
  const cluster = await patched(api, "web", { externalTrafficPolicy: "Cluster" });
  assert.equal(cluster.spec.healthCheckNodePort, undefined);
  assert.deepEqual(await namesOf(core, nodePortRecords), []);
});

test("a service cannot have addresses that no node speaks", async () => {
  const { api } = await open();
  await refused(
    made(api, "six", { ipFamilies: ["IPv6"] }),
    /spec\.ipFamilies\[0\]: Invalid value: "IPv6": not configured on this cluster$/,
  );
  await refused(
    made(api, "dual", { ipFamilyPolicy: "RequireDualStack" }),
    /spec\.ipFamilyPolicy: .*: this cluster is not configured for dual-stack services$/,
  );
  await refused(
    made(api, "half", { clusterIPs: ["10.96.0.9"] }),
    /spec\.clusterIPs: Invalid value: \["10\.96\.0\.9"\]: first value must match `clusterIP`$/,
  );
  await refused(
    made(api, "two", { clusterIP: "10.96.0.9", clusterIPs: ["10.96.0.9", "2001:db8::1"] }),
    /spec\.clusterIPs\[1\]: Invalid value: "2001:db8::1": only one address family is configured$/,
  );
  assert.deepEqual(
    (await made(api, "any", { ipFamilyPolicy: "PreferDualStack" })).spec.ipFamilies,
    ["IPv4"],
  );
});

test("further ranges are used when they are ready, and until they are to go", async () => {
  const { api } = await open("10.96.0.0/30");
  await made(api, "a");
  await made(api, "b");
  await refused(made(api, "c"), /the service ranges \(10\.96\.0\.0\/30\) are full/);
  const range = { resource: serviceCidrs, name: "more" };
  const metadata = { name: "more", finalizers: ["example.com/wait"] };
  const object = await api.create(range, { metadata, spec: { cidrs: ["10.97.0.0/28"] } });
  await refused(made(api, "c"), /are full/);
  const ready = { type: "Ready", status: "True", reason: "", message: "" };
  const conditions = [{ ...ready, lastTransitionTime: "2026-01-01T00:00:00Z" }];
  const whole = { ...(object as unknown as JsonObject), status: { conditions } };
  await api.update({ ...range, subresource: "status" }, whole);
  assert.match((await made(api, "c")).spec.clusterIP ?? "", /^10\.97\.0\./);
  await api.delete(range);
  await refused(made(api, "d", { clusterIP: "10.97.0.14" }), /is not in the valid range/);
  const own = { metadata: { name: "kubernetes" }, spec: { cidrs: ["10.98.0.0/24"] } };
  await api.create({ resource: serviceCidrs }, own);
  await refused(made(api, "d"), /failed to allocate a service IP: no ServiceCIDR is ready$/);
});
