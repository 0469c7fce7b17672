import { addressNumber, contains, ipv4Text } from "#lib/api/cidr";
import { StatusError } from "#lib/status-error";
import { ipAddresses } from "#resources";
import { type Causes, invalid } from "../rules/causes.ts";
import { choices, staticBand } from "./bands.ts";
import type { Choice } from "./service-addresses.ts";
import type { ServiceRange } from "./service-ranges.ts";

/** Kubernetes' share of the static band: a sixteenth, and 256 at most. */
const STATIC_SHARE = { divisor: 16, max: 256 };

/** The address that is asked for, or a free one. */
export function chooseAddress(
  { isFree, random, spec }: Choice,
  ranges: readonly ServiceRange[],
  check: (causes: Causes) => void,
): string {
  const { clusterIP = "", clusterIPs = [clusterIP] } = spec;
  if (clusterIP === "None") return clusterIP;
  const claimOf = (name: string) => ({ resource: ipAddresses, name });
  if (clusterIP !== "") {
    const problem = problemOf(clusterIP, ranges, isFree(claimOf(clusterIP)));
    const text = `failed to allocate IP ${clusterIP}: ${problem}`;
    check(problem === undefined ? [] : [invalid("spec.clusterIPs", clusterIPs, text)]);
    return clusterIP;
  }
  for (const range of ranges) {
    if (range.family !== "IPv4") continue;
    const { first, size } = hostsOf(range);
    const dynamicFrom = staticBand(Number(range.last - range.first) + 1, STATIC_SHARE);
    for (const offset of choices(size, Math.min(dynamicFrom, size), random)) {
      const address = ipv4Text(first + offset);
      if (isFree(claimOf(address))) return address;
    }
  }
  const why =
    ranges.length === 0
      ? "no ServiceCIDR is ready"
      : `the service ranges (${textOf(ranges)}) are full; a further ServiceCIDR widens them`;
  throw new StatusError("InternalError", `failed to allocate a service IP: ${why}`);
}

function problemOf(
  address: string,
  ranges: readonly ServiceRange[],
  isFree: boolean,
): string | undefined {
  const isWithin = ranges.some((range) => {
    const { first, size } = hostsOf(range);
    const offset = Number(addressNumber(address) ?? 0n) - first;
    return contains(range, address) && (range.family === "IPv6" || (offset >= 0 && offset < size));
  });
  if (!isWithin)
    return `the provided IP (${address}) is not in the valid range. The range of valid IPs is ${textOf(ranges)}`;
  return isFree ? undefined : "provided IP is already allocated";
}

/** Without the network's own address, and its broadcast's. */
function hostsOf(range: ServiceRange) {
  return {
    first: Number(range.first) + 1,
    size: Math.max(0, Number(range.last - range.first) - 1),
  };
}

function textOf(ranges: readonly ServiceRange[]): string {
  return ranges.map(({ text }) => text).join(", ");
}
