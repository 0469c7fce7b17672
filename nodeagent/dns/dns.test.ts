import assert from "node:assert/strict";
import { test } from "node:test";
import { type DecodedPacket, decode, encode, RECURSION_DESIRED, type RecordType } from "dns-packet";
import type { Service } from "#proto/core/v1";
import type { EndpointSlice } from "#proto/discovery/v1";
import { recordsOf } from "./records.ts";
import { Responder } from "./responder.ts";
import { rcodeOf } from "./wire.ts";
import { Zone } from "./zone.ts";

const DOMAIN = "cluster.local";
const WEB = {
  metadata: { namespace: "default", name: "web" },
  spec: { clusterIP: "10.96.0.20", ports: [{ name: "http", port: 80, protocol: "TCP" }] },
} as unknown as Service;
const DB = {
  metadata: { namespace: "data", name: "db" },
  spec: { clusterIP: "None", ports: [{ name: "sql", port: 5432 }] },
} as unknown as Service;
const DB_SLICE = {
  addressType: "IPv4" as EndpointSlice["addressType"],
  ports: [{ name: "sql", port: 5432, protocol: "TCP" }],
  endpoints: [
    { addresses: ["10.244.1.2"], hostname: "db-0", conditions: { ready: true } },
    { addresses: ["10.244.2.2"], conditions: { ready: true } },
    { addresses: ["10.244.2.3"], conditions: { ready: false } },
  ],
} as unknown as EndpointSlice;
const ALIAS = {
  metadata: { namespace: "default", name: "elsewhere" },
  spec: { type: "ExternalName", externalName: "example.com" },
} as unknown as Service;

const cases: readonly {
  readonly name: string;
  readonly type: RecordType;
  readonly rcode?: string;
  readonly data: readonly unknown[];
}[] = [
  { name: "web.default.svc.cluster.local", type: "A", data: ["10.96.0.20"] },
  { name: "WEB.Default.svc.cluster.LOCAL", type: "A", data: ["10.96.0.20"] },
  { name: "web.default.svc.cluster.local", type: "AAAA", data: [] },
  { name: "no.default.svc.cluster.local", type: "A", rcode: "NXDOMAIN", data: [] },
  { name: "default.svc.cluster.local", type: "A", data: [] },
  { name: "svc.cluster.local", type: "A", data: [] },
  {
    name: "web.default.svc.cluster.local.default.svc.cluster.local",
    type: "A",
    rcode: "NXDOMAIN",
    data: [],
  },
  {
    name: "_http._tcp.web.default.svc.cluster.local",
    type: "SRV",
    data: [{ priority: 0, weight: 100, port: 80, target: "web.default.svc.cluster.local" }],
  },
  { name: "20.0.96.10.in-addr.arpa", type: "PTR", data: ["web.default.svc.cluster.local"] },
  { name: "21.0.96.10.in-addr.arpa", type: "PTR", rcode: "NXDOMAIN", data: [] },
  { name: "db.data.svc.cluster.local", type: "A", data: ["10.244.1.2", "10.244.2.2"] },
  { name: "db-0.db.data.svc.cluster.local", type: "A", data: ["10.244.1.2"] },
  { name: "10-244-2-2.db.data.svc.cluster.local", type: "A", data: ["10.244.2.2"] },
  { name: "2.1.244.10.in-addr.arpa", type: "PTR", data: ["db-0.db.data.svc.cluster.local"] },
  { name: "10-244-9-9.default.pod.cluster.local", type: "A", data: ["10.244.9.9"] },
  { name: "dns-version.cluster.local", type: "TXT", data: [[Buffer.from("1.1.0")]] },
  { name: "elsewhere.default.svc.cluster.local", type: "A", data: ["example.com", "192.0.2.1"] },
  { name: "example.com", type: "A", data: ["192.0.2.1"] },
  { name: "example.org", type: "A", rcode: "SERVFAIL", data: [] },
];

for (const c of cases) {
  test(`Responder answers ${c.type} ${c.name}`, async () => {
    const answer = await ask(responder(), c.name, c.type);
    assert.equal(rcodeOf(answer), c.rcode ?? "NOERROR");
    assert.equal(answer.questions?.[0]?.name, c.name);
    assert.deepEqual(
      answer.answers?.map((one) => ("data" in one ? one.data : undefined)),
      c.data,
    );
  });
}

test("Responder turns the order of addresses and copies the question's number", async () => {
  const one = responder();
  const first = await ask(one, "db.data.svc.cluster.local", "A", { id: 7 });
  const second = await ask(one, "db.data.svc.cluster.local", "A", { id: 8 });
  assert.deepEqual([first.id, second.id], [7, 8]);
  assert.deepEqual(first.answers?.toReversed(), second.answers);
});

test("Responder forgets prepared answers when the zone changes", async () => {
  const zone = zoneOf();
  const one = responder(zone);
  await ask(one, "web.default.svc.cluster.local", "A");
  zone.set("default/web", new Map());
  const answer = await ask(one, "web.default.svc.cluster.local", "A");
  assert.equal(rcodeOf(answer), "NXDOMAIN");
  assert.equal(rcodeOf(await ask(one, "default.svc.cluster.local", "A")), "NOERROR");
});

test("Responder truncates what a datagram cannot hold", async () => {
  const zone = zoneOf();
  const many = Array.from({ length: 100 }, (_, i) => ({
    addresses: [`10.244.3.${i}`],
    conditions: {},
  }));
  zone.set("data/db", recordsOf(DB, [{ ...DB_SLICE, endpoints: many }], DOMAIN));
  const cut = await ask(responder(zone), "db.data.svc.cluster.local", "A");
  assert.equal(cut.flag_tc, true);
  const whole = await ask(responder(zone), "db.data.svc.cluster.local", "A", { isDatagram: false });
  assert.equal(whole.answers?.length, 100);
  const withEdns = await ask(responder(zone), "web.default.svc.cluster.local", "A", { edns: 4096 });
  assert.equal(withEdns.additionals?.[0]?.type, "OPT");
});

test("Responder survives any bytes", () => {
  const one = responder();
  for (let length = 0; length < 64; length++) {
    const bytes = Buffer.alloc(length, length * 7);
    if (length > 2) bytes[2] = 0;
    one.respond(bytes, true);
  }
});

function zoneOf(): Zone {
  const zone = new Zone({ domain: DOMAIN });
  zone.set("default/web", recordsOf(WEB, [], DOMAIN));
  zone.set("data/db", recordsOf(DB, [DB_SLICE], DOMAIN));
  zone.set("default/elsewhere", recordsOf(ALIAS, [], DOMAIN));
  return zone;
}

function responder(zone = zoneOf()): Responder {
  const example = encode({
    type: "response",
    answers: [{ type: "A", name: "example.com", ttl: 60, data: "192.0.2.1" }],
  });
  return new Responder({
    zone,
    forwarder: { ask: async (name) => (name === "example.com" ? decode(example) : undefined) },
    isOwnAddress: (ip) => ip.startsWith("10."),
  });
}

interface AskOptions {
  readonly id?: number;
  readonly isDatagram?: boolean;
  readonly edns?: number;
}

async function ask(
  one: Responder,
  name: string,
  type: RecordType,
  options: AskOptions = {},
): Promise<DecodedPacket> {
  const query = encode({
    type: "query",
    id: options.id ?? 1,
    flags: RECURSION_DESIRED,
    questions: [{ type, name, class: "IN" }],
    additionals:
      options.edns === undefined
        ? []
        : [
            {
              type: "OPT",
              name: ".",
              udpPayloadSize: options.edns,
              extendedRcode: 0,
              ednsVersion: 0,
              flags: 0,
              flag_do: false,
              options: [],
            },
          ],
  });
  const answer = await one.respond(query, options.isDatagram ?? true);
  assert.ok(answer !== undefined);
  return decode(answer);
}
