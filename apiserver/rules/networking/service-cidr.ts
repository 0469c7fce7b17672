import { addressNumber, parseCidr } from "#lib/api/cidr";
import type { JsonObject } from "#lib/json";
import { type Causes, invalid, required } from "../causes.ts";
import { type KindRules, specOf } from "../kind-rules.ts";

/** One of each family. */
const RANGES_MAX = 2;
const IMMUTABLE = "field is immutable";

export const serviceCidrRules: KindRules = {
  nameRule: "subdomain",
  firstStatus: () => ({}),
  validateCreate: (object) => rangeCauses(cidrsOf(object)),
  validateUpdate(object, old) {
    const [now, before] = [cidrsOf(object), cidrsOf(old)];
    // A range of the other family may be added.
    const isWidened = before.length === 1 && now.length === RANGES_MAX;
    if (!isWidened && now.length !== before.length) return [invalid("spec.cidrs", now, IMMUTABLE)];
    const changed = before.flatMap((cidr, at) =>
      now[at] === cidr ? [] : [invalid(`spec.cidrs[${at}]`, now[at], IMMUTABLE)],
    );
    return [...changed, ...(isWidened ? rangeCauses(now) : [])];
  },
};

function cidrsOf(object: JsonObject): readonly string[] {
  return (specOf(object)["cidrs"] ?? []) as readonly string[];
}

function rangeCauses(cidrs: readonly string[]): Causes {
  if (cidrs.length === 0) return [required("spec.cidrs", "at least one CIDR required")];
  if (cidrs.length > RANGES_MAX)
    return [invalid("spec.cidrs", cidrs, "may only hold up to 2 values")];
  const [first, second] = cidrs.map((cidr) => parseCidr(cidr)?.family);
  const isTwice = first !== undefined && first === second;
  const why =
    "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";
  return [
    ...cidrs.flatMap((cidr, at) => cidrCauses(`spec.cidrs[${at}]`, cidr)),
    ...(isTwice ? [invalid("spec.cidrs", cidrs, why)] : []),
  ];
}

function cidrCauses(path: string, cidr: string): Causes {
  if (parseCidr(cidr) !== undefined) return [];
  const [address = "", length = ""] = cidr.split("/");
  const isOtherwiseWell =
    addressNumber(address) !== undefined && parseCidr(`${zeroOf(address)}/${length}`) !== undefined;
  const why = isOtherwiseWell
    ? "must not have bits set beyond the prefix length"
    : "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
  return [invalid(path, cidr, why)];
}

function zeroOf(address: string): string {
  return address.includes(":") ? "::" : "0.0.0.0";
}
