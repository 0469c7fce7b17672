import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cidr, ipv4 } from "../ipv4.ts";
import { addBridge, addVeth, deleteLink, readLink, setLink } from "./link.ts";
import { readAttributes } from "./message.ts";
import { addAddress, addNeighbour, deleteRoute, readRoute, replaceRoute } from "./route.ts";

/** Written by hand from rtnetlink(7): header, fixed part, attributes. */
const cases: readonly {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly hex: string;
}[] = [
  {
    name: "setLink() by number",
    bytes: setLink(7, { up: true, master: 9 }),
    hex: "28000000 1000 0000 00000000 00000000 00000000 07000000 01000000 01000000 0800 0a00 09000000",
  },
  {
    name: "deleteLink() by name",
    bytes: deleteLink("v1"),
    hex: "28000000 1100 0000 00000000 00000000 00000000 00000000 00000000 00000000 0700 0300 763100 00",
  },
  {
    name: "addBridge()",
    bytes: addBridge("br"),
    hex:
      "38000000 1000 0006 00000000 00000000 00000000 00000000 01000000 01000000 0700 0300 627200 00 " +
      "1000 1200 0b00 0100 62726964676500 00",
  },
  {
    name: "addAddress()",
    bytes: addAddress(3, ipv4("10.1.2.3"), 32),
    hex: "28000000 1400 0005 00000000 00000000 02200000 03000000 0800 0200 0a010203 0800 0100 0a010203",
  },
  {
    name: "replaceRoute() via a gateway",
    bytes: replaceRoute({ destination: cidr("10.244.2.0/24"), gateway: ipv4("10.88.0.2") }),
    hex: "2c000000 1800 0005 00000000 00000000 02180000 fe4e0001 00000000 0800 0100 0af40200 0800 0500 0a580002",
  },
  {
    name: "replaceRoute() of everything on a link",
    bytes: replaceRoute({ destination: cidr("0.0.0.0/0"), index: 4 }),
    hex: "24000000 1800 0005 00000000 00000000 02000000 fe4efd01 00000000 0800 0400 04000000",
  },
  {
    name: "deleteRoute()",
    bytes: deleteRoute(cidr("10.244.2.0/24")),
    hex: "24000000 1900 0000 00000000 00000000 02180000 fe4eff01 00000000 0800 0100 0af40200",
  },
  {
    name: "addNeighbour()",
    bytes: addNeighbour(3, ipv4("10.1.2.3"), "0a:58:0a:01:02:03"),
    hex: "30000000 1c00 0005 00000000 00000000 02000000 03000000 80000000 0800 0100 0a010203 0a00 0200 0a580a010203 0000",
  },
];

for (const c of cases) {
  test(`${c.name} makes the kernel's bytes`, () => {
    assert.equal(Buffer.from(c.bytes).toString("hex"), c.hex.replaceAll(" ", ""));
  });
}

test("addVeth() nests the far end with its namespace", () => {
  const bytes = addVeth({
    near: { name: "eth0", mac: "0a:58:0a:01:02:03", index: 100 },
    far: { name: "v1", mac: "ee:ee:ee:ee:ee:ee", netns: { pid: 77 } },
    mtu: 1500,
  });
  const info = readAttributes(readAttributes(bytes, 32).get(18) ?? Buffer.alloc(0), 0);
  const far = readAttributes(
    readAttributes(info.get(2) ?? Buffer.alloc(0), 0).get(1) ?? Buffer.alloc(0),
    16,
  );
  assert.equal(info.get(1)?.toString(), "veth\0");
  assert.equal(far.get(19)?.readUInt32LE(), 77);
});

test("readRoute() reads what replaceRoute() says", () => {
  const address = fc.integer({ min: 0, max: 0xffff_ffff });
  fc.assert(
    fc.property(
      address,
      fc.integer({ min: 1, max: 32 }),
      address,
      (first, prefixLength, gateway) => {
        const route = { destination: { first, prefixLength }, gateway, index: 3, source: first };
        assert.deepEqual(readRoute(replaceRoute(route)), route);
      },
    ),
  );
});

test("readers survive any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 128 }), (bytes) => {
      readLink(bytes);
      readRoute(bytes);
    }),
  );
});
