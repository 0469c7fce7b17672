import assert from "node:assert/strict";
import { test } from "node:test";
import { addressNumber, canonicalAddress, contains, containsRange, parseCidr } from "./cidr.ts";

const RANGES: readonly (readonly [string, string | undefined])[] = [
  ["10.96.0.0/16", "IPv4 65536"],
  ["10.96.0.4/30", "IPv4 4"],
  ["0.0.0.0/0", "IPv4 4294967296"],
  ["10.0.0.1/32", "IPv4 1"],
  ["2001:db8::/64", "IPv6 18446744073709551616"],
  ["::ffff:10.0.0.0/127", "IPv6 2"],
  ["10.96.0.1/16", undefined],
  ["10.96.0.0", undefined],
  ["10.96.0.0/33", undefined],
  ["10.96.0.0/016", undefined],
  ["10.96.0.0/16/1", undefined],
  ["2001:db8::1/64", undefined],
  ["a/8", undefined],
  ["/8", undefined],
];

for (const [text, expected] of RANGES) {
  test(`parseCidr(${JSON.stringify(text)})`, () => {
    const range = parseCidr(text);
    const found = range && `${range.family} ${range.last - range.first + 1n}`;
    assert.equal(found, expected);
  });
}

test("addressNumber() and canonicalAddress() know both families", () => {
  assert.equal(addressNumber("10.96.0.1"), 0x0a_60_00_01n);
  assert.equal(addressNumber("::1"), 1n);
  assert.equal(addressNumber("2001:db8:0:0:1::2"), 0x2001_0db8_0000_0000_0001_0000_0000_0002n);
  assert.equal(addressNumber("host"), undefined);
  assert.equal(canonicalAddress("2001:DB8:0:0:0::1"), "2001:db8::1");
  assert.equal(canonicalAddress("10.0.0.1"), "10.0.0.1");
});

test("contains() and containsRange() keep the families apart", () => {
  const outer = parseCidr("10.0.0.0/8");
  const inner = parseCidr("10.1.0.0/16");
  const other = parseCidr("::/0");
  assert.ok(outer && inner && other);
  assert.ok(contains(outer, "10.255.255.255") && !contains(outer, "11.0.0.0"));
  assert.ok(contains(other, "::10.0.0.1") && !contains(other, "10.0.0.1"));
  assert.ok(containsRange(outer, inner) && containsRange(outer, outer));
  assert.ok(!containsRange(inner, outer) && !containsRange(other, outer));
});
