import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { JsonObject } from "#lib/json";
import { silentLogger } from "#lib/logger";
import type { Event, Service } from "#proto/core/v1";
import type { ServiceCIDR } from "#proto/networking/v1";
import { events, ipAddresses, serviceCidrs, services } from "#resources";
import type { Core } from "../chain/core.ts";
import type { Commit } from "../chain/steps.ts";
import { TestCores } from "../test-core.ts";
import { type Claim, nodePortRecords, recordOf } from "./records.ts";
import { ServiceRepair } from "./repair.ts";

const cores = new TestCores();
after(() => cores.close());

const ADMIN = { name: "admin", groups: ["system:masters"] };
const SERVICE_CIDR = "10.96.0.0/24";
const namespace = "team";
const BIRTH = { uid: "u", creationTimestamp: "2026-01-01T00:00:00Z" };

const address = (name: string): Claim => ({ resource: ipAddresses, name });
const port = (name: string): Claim => ({ resource: nodePortRecords, name });
const heldBy = (name: string, space = namespace) =>
  ({ metadata: { name, namespace: space } }) as Service;

/** A cluster with two services, `web` at 10.96.0.20 and 30100, `db` at 10.96.0.21. */
async function open(): Promise<Core> {
  const core = await cores.openAdmitting([namespace, "default"], { serviceCidr: SERVICE_CIDR });
  const make = (name: string, spec: JsonObject) =>
    core.as(ADMIN).create({ resource: services, namespace }, { metadata: { name }, spec });
  const ports = [{ port: 80, nodePort: 30_100 }];
  await make("web", { type: "NodePort", clusterIP: "10.96.0.20", ports });
  await make("db", { clusterIP: "10.96.0.21", ports: [{ port: 80 }] });
  return core;
}

async function commit(core: Core, commits: readonly Commit[]): Promise<void> {
  assert.ok((await core.steps.writer.commit(commits)).ok);
}

async function record(core: Core, claim: Claim, service: Service): Promise<void> {
  const { resource, name } = claim;
  const before = await core.steps.reader.get(resource, undefined, name);
  const object = recordOf(claim, service, BIRTH);
  const ifRevision = before?.revision ?? 0;
  await commit(core, [{ kind: "put", resource, object, managedFields: [], ifRevision }]);
}

async function forget(core: Core, { name, resource }: Claim): Promise<void> {
  const published = await core.steps.reader.get(resource, undefined, name);
  assert.ok(published);
  await commit(core, [{ kind: "delete", resource, published }]);
}

/** Every record, and who it names. */
async function recordsOf(core: Core): Promise<string> {
  const lists = await Promise.all(
    [ipAddresses, nodePortRecords].map((resource) => core.steps.reader.list({ resource })),
  );
  return lists
    .flatMap(({ items }) => items.map(({ json }) => json))
    .map((each) => {
      const { metadata, spec } = each as unknown as {
        readonly metadata: { readonly name: string };
        readonly spec: { readonly parentRef: { readonly name: string } };
      };
      return `${metadata.name}=${spec.parentRef.name}`;
    })
    .join(" ");
}

async function toldIn(core: Core): Promise<string[]> {
  const { items } = await core.steps.reader.list({ resource: events });
  return items
    .map(({ object }) => object as Event)
    .map((event) => `${event.involvedObject.name} ${event.reason}: ${event.message}`)
    .toSorted();
}

async function repaired(core: Core): Promise<ServiceRepair> {
  const api = core.as(ADMIN);
  return ServiceRepair.start({ core, api, serviceCidr: SERVICE_CIDR, logger: silentLogger });
}

const WELL = "10.96.0.20=web 10.96.0.21=db 30100=web";

const CASES: readonly {
  readonly what: string;
  readonly spoil: (core: Core) => Promise<void>;
  readonly after?: string;
  readonly told: readonly string[];
}[] = [
  { what: "nothing is wrong", spoil: async () => undefined, told: [] },
  {
    what: "the records of a store of old are not there",
    async spoil(core) {
      for (const claim of [address("10.96.0.20"), address("10.96.0.21"), port("30100")])
        await forget(core, claim);
    },
    told: [
      "db ClusterIPNotAllocated: Cluster IP [IPv4]: 10.96.0.21 is not allocated; repairing",
      "web ClusterIPNotAllocated: Cluster IP [IPv4]: 10.96.0.20 is not allocated; repairing",
      "web PortNotAllocated: Port 30100 is not allocated; repairing",
    ],
  },
  {
    what: "records have no service",
    async spoil(core) {
      await record(core, address("10.96.0.40"), heldBy("gone"));
      await record(core, port("30101"), heldBy("gone"));
    },
    told: [
      "10.96.0.40 IPAddressNotAllocated: IPAddress: 10.96.0.40 for Service team/gone appears to have leaked: cleaning up",
    ],
  },
  {
    what: "a service has another address than its record says",
    spoil: (core) => record(core, address("10.96.0.40"), heldBy("web")),
    told: [
      "10.96.0.40 IPAddressWrongReference: IPAddress: 10.96.0.40 for Service team/web has a wrong reference; cleaning up",
    ],
  },
  {
    what: "a record names a service that is not there, and not the one that is",
    spoil: (core) => record(core, address("10.96.0.20"), heldBy("gone")),
    told: [
      "web ClusterIPNotAllocated: Cluster IP [IPv4]: 10.96.0.20 has a wrong reference; repairing",
    ],
  },
  {
    what: "two services have one address",
    async spoil(core) {
      const web = await core.steps.reader.get(services, namespace, "web");
      assert.ok(web);
      const { metadata, spec } = web.json as unknown as Service;
      const object = {
        ...web.json,
        metadata: { ...metadata, name: "copy" },
        spec: { ...spec, ports: [{ port: 80, protocol: "TCP" }] },
      } as unknown as JsonObject;
      await forget(core, address("10.96.0.20"));
      const base = { kind: "put", resource: services, managedFields: [], ifRevision: 0 } as const;
      await commit(core, [{ ...base, object }]);
    },
    after: "10.96.0.20=copy 10.96.0.21=db 30100=web",
    told: [
      "web ClusterIPAlreadyAllocated: Cluster IP [IPv4]: 10.96.0.20 was assigned to multiple services; please recreate service",
    ],
  },
  {
    what: "an address is in no range",
    async spoil(core) {
      const spec = { clusterIP: "10.96.0.21", ports: [{ port: 80 }], clusterIPs: ["10.96.0.21"] };
      const db = await core.steps.reader.get(services, namespace, "db");
      assert.ok(db);
      const moved = { ...spec, clusterIP: "10.1.0.1", clusterIPs: ["10.1.0.1"] };
      const object = { ...db.json, spec: moved } as unknown as JsonObject;
      const base = { kind: "put", resource: services, managedFields: [] } as const;
      await commit(core, [{ ...base, object, ifRevision: db.revision }]);
      await forget(core, address("10.1.0.1"));
    },
    after: "10.96.0.20=web 30100=web",
    told: [
      "db ClusterIPOutOfRange: Cluster IP [IPv4]: 10.1.0.1 is not within any configured Service CIDR; please recreate service",
    ],
  },
];

for (const { after: expected = WELL, spoil, told, what } of CASES) {
  test(`repair: ${what}`, async () => {
    const core = await open();
    await spoil(core);
    const repair = await repaired(core);
    assert.equal(await recordsOf(core), expected);
    assert.deepEqual(await toldIn(core), told);
    repair.close();
  });
}

test("addresses that others take for themselves are left alone", async () => {
  const core = await open();
  const spec = { parentRef: { group: "example.com", resource: "gateways", name: "g" } };
  await core
    .as(ADMIN)
    .create({ resource: ipAddresses }, { metadata: { name: "10.96.0.50" }, spec });
  const repair = await repaired(core);
  assert.match(await recordsOf(core), /10\.96\.0\.50=g/);
  repair.close();
});

test("a record that somebody takes away is back at once", async () => {
  const core = await open();
  const repair = await repaired(core);
  const api = core.as(ADMIN);
  const stop = new AbortController();
  const changes = api.watch({ resource: ipAddresses }, {}, stop.signal);
  await api.delete({ resource: ipAddresses, name: "10.96.0.20" });
  const seen: string[] = [];
  for await (const change of changes) {
    if ("object" in change && change.object.metadata.name === "10.96.0.20") seen.push(change.type);
    if (seen.at(-1) === "ADDED") break;
  }
  assert.equal(await recordsOf(core), WELL);
  stop.abort();
  repair.close();
});

test("the cluster's own range is there, and ready, and comes back", async () => {
  const core = await open();
  const api = core.as(ADMIN);
  const target = { resource: serviceCidrs, name: "kubernetes" };
  for (let round = 0; round < 2; round++) {
    (await repaired(core)).close();
    const { spec, status } = (await api.get(target)) as ServiceCIDR;
    assert.deepEqual(spec?.cidrs, [SERVICE_CIDR]);
    const [ready] = status?.conditions ?? [];
    assert.deepEqual([ready?.type, ready?.status], ["Ready", "True"]);
    await api.delete(target);
  }
});
