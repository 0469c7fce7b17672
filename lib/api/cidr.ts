/** Addresses as numbers, and ranges of them in CIDR notation, of both families. Pure. */
import { isIP } from "node:net";

export interface Cidr {
  readonly family: "IPv4" | "IPv6";
  /** The number of its first address. */
  readonly first: bigint;
  /** That of its last one. */
  readonly last: bigint;
}

const WIDTH = { IPv4: 32, IPv6: 128 } as const;

export function familyOf(address: string): Cidr["family"] | undefined {
  const version = isIP(address);
  return version === 0 ? undefined : version === 4 ? "IPv4" : "IPv6";
}

/** Undefined when it is no range, or names an address within one. */
export function parseCidr(text: string): Cidr | undefined {
  const [address = "", length = "", ...more] = text.split("/");
  const family = familyOf(address);
  const first = addressNumber(address);
  if (family === undefined || first === undefined || more.length > 0) return undefined;
  if (!/^(0|[1-9]\d{0,2})$/.test(length) || Number(length) > WIDTH[family]) return undefined;
  const size = 1n << BigInt(WIDTH[family] - Number(length));
  return first % size === 0n ? { family, first, last: first + size - 1n } : undefined;
}

export function contains(range: Cidr, address: string): boolean {
  const number = addressNumber(address);
  if (number === undefined || familyOf(address) !== range.family) return false;
  return number >= range.first && number <= range.last;
}

export function containsRange(outer: Cidr, inner: Cidr): boolean {
  return outer.family === inner.family && outer.first <= inner.first && outer.last >= inner.last;
}

/** Undefined when it is no address. */
export function addressNumber(address: string): bigint | undefined {
  switch (familyOf(address)) {
    case "IPv4":
      return address.split(".").reduce((sum, part) => sum * 256n + BigInt(part), 0n);
    case "IPv6":
      return groupsOf(address).reduce((sum, group) => sum * 65_536n + group, 0n);
    default:
      return undefined;
  }
}

export function ipv4Text(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}

/** The one spelling that RFC 5952 gives an address. */
export function canonicalAddress(address: string): string {
  return familyOf(address) === "IPv6"
    ? new URL(`http://[${address}]`).hostname.slice(1, -1)
    : address;
}

/** The eight numbers of a valid IPv6 address. */
function groupsOf(address: string): readonly bigint[] {
  const [head = [], tail] = canonicalAddress(address)
    .split("::")
    .map((side) => (side === "" ? [] : side.split(":").map((group) => BigInt(`0x${group}`))));
  if (tail === undefined) return head;
  return [...head, ...Array<bigint>(8 - head.length - tail.length).fill(0n), ...tail];
}
