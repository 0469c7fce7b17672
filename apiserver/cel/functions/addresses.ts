import { BlockList, isIP, SocketAddress } from "node:net";
import type { Environment } from "@marcbachmann/cel-js";

const IP = "net.IP";
const CIDR = "net.CIDR";

class IpNamespace {}

/** Kubernetes' `ip` and `cidr` in CEL. */
export function addAddresses(environment: Environment): void {
  environment
    .registerType(IP, { ctor: Address })
    .registerType(CIDR, { ctor: Network })
    .registerType("IpNamespace", IpNamespace)
    .registerConstant("ip", "IpNamespace", new IpNamespace())
    .registerFunction(`ip(string): ${IP}`, addressOf)
    .registerFunction("isIP(string): bool", isAddress)
    .registerFunction(
      "IpNamespace.isCanonical(string): bool",
      (_: IpNamespace, text: string) => addressOf(text).text === text,
    )
    .registerFunction(`string(${IP}): string`, (ip: Address) => ip.text)
    .registerFunction(`${IP}.family(): int`, (ip: Address) => BigInt(ip.family))
    .registerFunction(`${IP}.isUnspecified(): bool`, inAnyOf("0.0.0.0/32", "::/128"))
    .registerFunction(`${IP}.isLoopback(): bool`, inAnyOf("127.0.0.0/8", "::1/128"))
    .registerFunction(`${IP}.isLinkLocalUnicast(): bool`, inAnyOf("169.254.0.0/16", "fe80::/10"))
    .registerFunction(`${IP}.isLinkLocalMulticast(): bool`, inAnyOf("224.0.0.0/24", "ff02::/16"))
    .registerFunction(`${IP}.isGlobalUnicast(): bool`, (ip: Address) => !isSpecial(ip))
    .registerOperator(`${IP} == ${IP}`, (a: Address, b: Address) => a.text === b.text);
  addNetworks(environment);
}

function addNetworks(environment: Environment): void {
  environment
    .registerFunction(`cidr(string): ${CIDR}`, networkOf)
    .registerFunction("isCIDR(string): bool", (text: string) => tryNetwork(text) !== undefined)
    .registerFunction(`string(${CIDR}): string`, (cidr: Network) => cidr.text)
    .registerFunction(`${CIDR}.containsIP(${IP}): bool`, (c: Network, ip: Address) => c.has(ip))
    .registerFunction(`${CIDR}.containsIP(string): bool`, (c: Network, ip: string) =>
      c.has(addressOf(ip)),
    )
    .registerFunction(`${CIDR}.containsCIDR(${CIDR}): bool`, containsNetwork)
    .registerFunction(`${CIDR}.containsCIDR(string): bool`, (c: Network, other: string) =>
      containsNetwork(c, networkOf(other)),
    )
    .registerFunction(`${CIDR}.ip(): ${IP}`, (cidr: Network) => cidr.address)
    .registerFunction(`${CIDR}.masked(): ${CIDR}`, (cidr: Network) => cidr.masked())
    .registerFunction(`${CIDR}.prefixLength(): int`, (cidr: Network) => BigInt(cidr.length))
    .registerOperator(`${CIDR} == ${CIDR}`, (a: Network, b: Network) => a.text === b.text);
}

class Address {
  /** In its canonical form. */
  readonly text: string;
  readonly family: 4 | 6;

  constructor(text: string, family: 4 | 6) {
    this.text = text;
    this.family = family;
  }

  get kind(): "ipv4" | "ipv6" {
    return this.family === 4 ? "ipv4" : "ipv6";
  }

  get bits(): bigint {
    return this.family === 4 ? bitsOf4(this.text) : bitsOf6(this.text);
  }
}

class Network {
  readonly address: Address;
  readonly length: number;
  readonly #members = new BlockList();

  constructor(address: Address, length: number) {
    this.address = address;
    this.length = length;
    this.#members.addSubnet(address.text, length, address.kind);
  }

  get text(): string {
    return `${this.address.text}/${this.length}`;
  }

  has(ip: Address): boolean {
    return ip.family === this.address.family && this.#members.check(ip.text, ip.kind);
  }

  masked(): Network {
    const width = this.address.family === 4 ? 32 : 128;
    const free = BigInt(width - this.length);
    const bits = (this.address.bits >> free) << free;
    return new Network(addressOf(width === 32 ? textOf4(bits) : textOf6(bits)), this.length);
  }
}

/** Neither IPv4 in IPv6 nor a zone is an address here. */
function isAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes("%") && !/^::ffff:.*\./i.test(text);
}

function addressOf(text: string): Address {
  if (!isAddress(text))
    throw new Error(`IP Address ${JSON.stringify(text)} parse error during conversion from string`);
  const family = isIP(text) === 4 ? 4 : 6;
  const { address } = new SocketAddress({ address: text, family: `ipv${family}` });
  return new Address(address, family);
}

function tryNetwork(text: string): Network | undefined {
  const [address = "", length = "", ...rest] = text.split("/");
  if (rest.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(length) || !isAddress(address))
    return undefined;
  const width = isIP(address) === 4 ? 32 : 128;
  return Number(length) > width ? undefined : new Network(addressOf(address), Number(length));
}

function networkOf(text: string): Network {
  const network = tryNetwork(text);
  if (network === undefined)
    throw new Error(`network address parse error during conversion from string: ${text}`);
  return network;
}

function containsNetwork(outer: Network, inner: Network): boolean {
  return inner.length >= outer.length && outer.has(inner.address);
}

function inAnyOf(...networks: readonly string[]): (ip: Address) => boolean {
  const known = networks.map(networkOf);
  return (ip) => known.some((network) => network.has(ip));
}

/** Go's IsGlobalUnicast: everything but these. */
const isSpecial = inAnyOf(
  "0.0.0.0/32",
  "255.255.255.255/32",
  "127.0.0.0/8",
  "224.0.0.0/4",
  "169.254.0.0/16",
  "::/128",
  "::1/128",
  "ff00::/8",
  "fe80::/10",
);

function bitsOf4(text: string): bigint {
  return text.split(".").reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
}

function bitsOf6(text: string): bigint {
  const [head = "", tail] = text.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array<string>(8 - left.length - right.length).fill("0");
  return [...left, ...zeros, ...right].reduce(
    (bits, part) => (bits << 16n) | BigInt(`0x${part}`),
    0n,
  );
}

function textOf4(bits: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 0xffn).join(".");
}

function textOf6(bits: bigint): string {
  const parts = Array.from({ length: 8 }, (_, at) => (bits >> BigInt(16 * (7 - at))) & 0xffffn);
  return parts.map((part) => part.toString(16)).join(":");
}
