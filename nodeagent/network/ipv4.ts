/** IPv4 addresses as text and as unsigned 32-bit numbers. */
import { assert } from "#lib/assert";

export interface Cidr {
  /** The first address, as a number. */
  readonly first: number;
  readonly prefixLength: number;
}

/** Undefined for anything that is not four decimal bytes. */
export function parseIpv4(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let address = 0;
  for (const part of parts) {
    if (!/^\d{1,3}$/.test(part)) return undefined;
    const byte = Number(part);
    if (byte > 255) return undefined;
    address = address * 256 + byte;
  }
  return address;
}

export function formatIpv4(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** For addresses that were checked before they came here. */
export function ipv4(text: string): number {
  const address = parseIpv4(text);
  assert(address !== undefined, `"${text}" is an IPv4 address`);
  return address;
}

export function parseCidr(text: string): Cidr | undefined {
  const [address, length, more] = text.split("/");
  if (address === undefined || length === undefined || more !== undefined) return undefined;
  const prefixLength = /^\d{1,2}$/.test(length) ? Number(length) : 33;
  const number = parseIpv4(address);
  if (number === undefined || prefixLength > 32) return undefined;
  const size = 2 ** (32 - prefixLength);
  return { first: number - (number % size), prefixLength };
}

export function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  assert(parsed !== undefined, `"${text}" is an IPv4 range`);
  return parsed;
}

export function sizeOf(range: Cidr): number {
  return 2 ** (32 - range.prefixLength);
}

export function contains(range: Cidr, address: number): boolean {
  return address >= range.first && address < range.first + sizeOf(range);
}

export function formatCidr(range: Cidr): string {
  return `${formatIpv4(range.first)}/${range.prefixLength}`;
}

/** The node's own address among its pods': the first after the network's. */
export function gatewayOf(podCidr: string): string {
  return formatIpv4(cidr(podCidr).first + 1);
}
