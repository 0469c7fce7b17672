/** Two API servers over one etcd, which know nothing of each other. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { JsonObject } from "#lib/json";
import { silentLogger } from "#lib/logger";
import { systemClock } from "#lib/system-clock";
import type { Service } from "#proto/core/v1";
import { ipAddresses, services } from "#resources";
import type { Core, InProcess } from "../chain/core.ts";
import { EtcdStore } from "../storage/etcd/etcd-store.ts";
import { startTestEtcd, type TestEtcd, whyNoEtcd } from "../storage/etcd/test-etcd.ts";
import { TestCores } from "../test-core.ts";
import { nodePortRecords } from "./records.ts";

const SKIP = { timeout: 60_000, skip: whyNoEtcd() };
const ADMIN = { name: "admin", groups: ["system:masters"] };
/** A range so small that servers who choose by themselves meet often. */
const SERVICE_CIDR = "10.96.0.0/27";
const ADDRESSES = 30;
const namespace = "team";
const target = { resource: services, namespace };

const cores = new TestCores();
const servers: { readonly core: Core; readonly api: InProcess }[] = [];
let etcd: TestEtcd | undefined;

before(async () => {
  if (SKIP.skip !== undefined) return;
  etcd = await startTestEtcd();
  for (const spaces of [[namespace], []]) {
    const options = { endpoints: [etcd.url], clock: systemClock, logger: silentLogger };
    const store = await EtcdStore.open(options);
    const core = await cores.openAdmitting(spaces, { store, serviceCidr: SERVICE_CIDR });
    servers.push({ core, api: core.as(ADMIN) });
  }
});

after(async () => {
  await cores.close();
  await etcd?.remove();
});

/** On both servers at once; what was refused is its message. */
function onBoth(name: string, spec: JsonObject = {}): Promise<(Service | string)[]> {
  const wanted = { type: "NodePort", ports: [{ port: 80 }], ...spec };
  return Promise.all(
    servers.map(({ api }, at) =>
      api.create(target, { metadata: { name: `${name}-${at}` }, spec: wanted }).then(
        (made) => made as Service,
        (error: Error) => error.message,
      ),
    ),
  );
}

async function removeAll(): Promise<void> {
  await servers[0]?.api.deleteCollection(target, {});
}

async function recorded(resource: typeof ipAddresses | typeof nodePortRecords): Promise<number> {
  const found = await servers[1]?.core.steps.reader.list({ resource });
  return found?.items.length ?? -1;
}

test("two servers give no address and no node port twice, down to the last", SKIP, async () => {
  const made: (Service | string)[] = [];
  for (let round = 0; round < ADDRESSES / 2 + 1; round++) made.push(...(await onBoth(`s${round}`)));
  const well = made.filter((each): each is Service => typeof each !== "string");
  const addresses = well.map(({ spec }) => spec.clusterIP);
  const ports = well.map(({ spec }) => spec.ports?.[0]?.nodePort);
  assert.equal(well.length, ADDRESSES);
  assert.equal(new Set(addresses).size, ADDRESSES, `given out: ${addresses.sort().join(" ")}`);
  assert.equal(new Set(ports).size, ADDRESSES, `given out: ${ports.sort().join(" ")}`);
  for (const each of made)
    if (typeof each === "string")
      assert.match(each, /the service ranges \(10\.96\.0\.0\/27\) are full/);
  assert.deepEqual([await recorded(ipAddresses), await recorded(nodePortRecords)], [30, 30]);
  await removeAll();
  assert.deepEqual([await recorded(ipAddresses), await recorded(nodePortRecords)], [0, 0]);
});

test(
  "one of two servers gives what both are asked for; the other one's refusal leaves nothing",
  SKIP,
  async () => {
    for (let round = 0; round < 5; round++) {
      const answers = [
        await onBoth(`address-${round}`, { clusterIP: "10.96.0.9" }),
        await onBoth(`port-${round}`, { ports: [{ port: 80, nodePort: 30_123 }] }),
      ];
      for (const pair of answers) {
        const [refusal, ...others] = pair.filter((each) => typeof each === "string");
        assert.equal(others.length, 0);
        assert.match(refusal ?? "", /provided (IP|port) is already allocated$/);
      }
      assert.deepEqual([await recorded(ipAddresses), await recorded(nodePortRecords)], [2, 2]);
      await removeAll();
    }
  },
);
