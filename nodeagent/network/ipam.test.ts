import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { allocate, COOL_DOWN_MS, emptyAddresses, free, heldAsText, restore } from "./ipam.ts";
import { cidr, contains, formatIpv4, parseCidr, parseIpv4 } from "./ipv4.ts";

const RANGE = cidr("10.244.1.0/28");

test("allocate() gives each sandbox its own address of the range, in any history", () => {
  const step = fc.record({
    id: fc.integer({ min: 0, max: 20 }),
    isFree: fc.boolean(),
    ms: fc.nat(60_000),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      let addresses = emptyAddresses(RANGE);
      let nowMs = 0;
      for (const { id, isFree, ms } of steps) {
        nowMs += ms;
        if (isFree) free(addresses, `s${id}`, nowMs);
        else {
          const before = addresses.held.get(`s${id}`);
          const given = allocate(addresses, `s${id}`, nowMs);
          if (before !== undefined) assert.equal(given, before);
        }
        const held = [...addresses.held.values()];
        assert.equal(new Set(held).size, held.length);
        assert.ok(
          held.every(
            (one) => contains(RANGE, one) && one > RANGE.first + 1 && one < RANGE.first + 15,
          ),
        );
        // As after a restart at any instant.
        if (ms % 7 === 0) addresses = restore(RANGE, addresses.next, heldAsText(addresses));
      }
    }),
  );
});

test("allocate() gives back a warm address only when nothing else is left", () => {
  const addresses = emptyAddresses(cidr("10.0.0.0/29"));
  for (const id of ["a", "b", "c", "d", "e"]) allocate(addresses, id, 0);
  assert.equal(allocate(addresses, "f", 0), undefined);
  free(addresses, "b", 1000);
  free(addresses, "a", 2000);
  assert.equal(formatIpv4(allocate(addresses, "f", 2001) ?? 0), "10.0.0.3");
  assert.equal(formatIpv4(allocate(addresses, "g", 2000 + COOL_DOWN_MS) ?? 0), "10.0.0.2");
});

test("restore() drops what cannot be", () => {
  const held = { a: "10.244.1.2", b: "10.244.1.2", c: "10.9.9.9", d: "nonsense" };
  assert.deepEqual(heldAsText(restore(RANGE, 3, held)), { a: "10.244.1.2" });
});

test("parseIpv4() and parseCidr() refuse what is none", () => {
  for (const text of ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.x", "1.2.3.-4", " 1.2.3.4"])
    assert.equal(parseIpv4(text), undefined, text);
  for (const text of ["1.2.3.4", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/8/8", "/8"])
    assert.equal(parseCidr(text), undefined, text);
  assert.deepEqual(parseCidr("10.1.2.3/16"), { first: 0x0a01_0000, prefixLength: 16 });
});
