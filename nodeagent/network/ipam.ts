/** Which pod has which address of a node's range: pure, state in and state out. */
import { type Cidr, contains, formatIpv4, parseIpv4, sizeOf } from "./ipv4.ts";

/** Others may still send to an address for as long as this after its pod has gone. */
export const COOL_DOWN_MS = 30_000;

/** The network's address, and the gateway's. */
const RESERVED_FIRST = 2;
/** The broadcast address. */
const RESERVED_LAST = 1;

export interface Addresses {
  readonly range: Cidr;
  /** By sandbox. Invariant: no address twice, all of them in the range. */
  readonly held: Map<string, number>;
  /** When an address was given back, by the monotonic clock. What was freed before a restart has cooled down. */
  readonly freedAtMs: Map<number, number>;
  /** Where the search goes on, so that a freed address comes back as late as possible. */
  next: number;
}

export function emptyAddresses(range: Cidr): Addresses {
  return { range, held: new Map(), freedAtMs: new Map(), next: RESERVED_FIRST };
}

/** The sandbox's address, which it keeps until it is freed; undefined when none is left. */
export function allocate(
  addresses: Addresses,
  sandboxId: string,
  nowMs: number,
): number | undefined {
  const own = addresses.held.get(sandboxId);
  if (own !== undefined) return own;
  const taken = new Set(addresses.held.values());
  const usable = sizeOf(addresses.range) - RESERVED_FIRST - RESERVED_LAST;
  // Second best: an address that is still warm is better than no pod at all.
  let warm: number | undefined;
  for (let tried = 0; tried < usable; tried++) {
    const offset = RESERVED_FIRST + ((addresses.next - RESERVED_FIRST + tried) % usable);
    const address = addresses.range.first + offset;
    if (taken.has(address)) continue;
    const freed = addresses.freedAtMs.get(address);
    if (freed !== undefined && nowMs - freed < COOL_DOWN_MS) {
      if (warm === undefined || freed < (addresses.freedAtMs.get(warm) ?? 0)) warm = address;
      continue;
    }
    return take(addresses, sandboxId, address);
  }
  return warm === undefined ? undefined : take(addresses, sandboxId, warm);
}

export function free(addresses: Addresses, sandboxId: string, nowMs: number): boolean {
  const address = addresses.held.get(sandboxId);
  if (address === undefined) return false;
  addresses.held.delete(sandboxId);
  addresses.freedAtMs.set(address, nowMs);
  return true;
}

/** What is not of this range, or held twice, is dropped: the range of a node may have changed. */
export function restore(
  range: Cidr,
  next: number,
  held: Readonly<Record<string, string>>,
): Addresses {
  const addresses = emptyAddresses(range);
  const seen = new Set<number>();
  for (const [sandboxId, text] of Object.entries(held)) {
    const address = parseIpv4(text);
    if (address === undefined || seen.has(address) || !contains(range, address)) continue;
    seen.add(address);
    addresses.held.set(sandboxId, address);
  }
  if (Number.isInteger(next) && next >= RESERVED_FIRST) addresses.next = next;
  return addresses;
}

export function heldAsText(addresses: Addresses): Record<string, string> {
  return Object.fromEntries(
    [...addresses.held].map(([sandboxId, address]) => [sandboxId, formatIpv4(address)]),
  );
}

function take(addresses: Addresses, sandboxId: string, address: number): number {
  addresses.held.set(sandboxId, address);
  addresses.freedAtMs.delete(address);
  addresses.next = address - addresses.range.first + 1;
  return address;
}
