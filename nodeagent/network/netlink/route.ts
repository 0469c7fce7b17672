/** Addresses of interfaces, routes, and neighbours whose hardware address is known beforehand. */
import type { Cidr } from "../ipv4.ts";
import {
  AF_INET,
  address,
  attribute,
  HEADER_BYTES,
  message,
  NLM,
  RTM,
  readAttributes,
  u32,
} from "./message.ts";

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const RTA = { destination: 1, outInterface: 4, gateway: 5, preferredSource: 7 } as const;
const NDA_DESTINATION = 1;
const NDA_LINK_ADDRESS = 2;
const NUD_PERMANENT = 0x80;
const TABLE_MAIN = 254;
const SCOPE_GLOBAL = 0;
const SCOPE_LINK = 253;
const RTN_UNICAST = 1;
const ROUTE_BYTES = 12;
const ADDRESS_BYTES = 8;

/** Who made a route: ours carry a number of their own, so that we find them again and touch no others. */
export const PROTOCOL_NARU = 0x4e;

export function addAddress(index: number, local: number, prefixLength: number): Uint8Array {
  return message(
    RTM.newAddress,
    NLM.create | NLM.replace,
    addressInfo(index, prefixLength),
    attribute(IFA_LOCAL, address(local)),
    attribute(IFA_ADDRESS, address(local)),
  );
}

export interface Route {
  readonly destination: Cidr;
  /** Undefined: the destination is on the link itself. */
  readonly gateway?: number;
  /** Undefined: whatever interface leads to the gateway. */
  readonly index?: number;
  readonly source?: number;
}

/** Makes a route, or takes the place of the one that was there for the same destination. */
export function replaceRoute(route: Route): Uint8Array {
  const scope = route.gateway === undefined ? SCOPE_LINK : SCOPE_GLOBAL;
  return message(
    RTM.newRoute,
    NLM.create | NLM.replace,
    routeInfo(route.destination.prefixLength, scope),
    ...routeAttributes(route),
  );
}

export function deleteRoute(destination: Cidr): Uint8Array {
  return message(
    RTM.delRoute,
    0,
    // Whatever its scope: 255 matches all.
    routeInfo(destination.prefixLength, 255),
    attribute(RTA.destination, address(destination.first)),
  );
}

export function dumpRoutes(): Uint8Array {
  return message(RTM.getRoute, NLM.dump, routeInfo(0, 0));
}

/** A route of ours in the main table; undefined for all others. */
export function readRoute(bytes: Uint8Array): Route | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < HEADER_BYTES + ROUTE_BYTES) return undefined;
  if (buffer.readUInt16LE(4) !== RTM.newRoute || buffer[HEADER_BYTES] !== AF_INET) return undefined;
  if (buffer[HEADER_BYTES + 4] !== TABLE_MAIN) return undefined;
  if (buffer[HEADER_BYTES + 5] !== PROTOCOL_NARU) return undefined;
  const attributes = readAttributes(bytes, HEADER_BYTES + ROUTE_BYTES);
  const gateway = attributes.get(RTA.gateway)?.readUInt32BE();
  const source = attributes.get(RTA.preferredSource)?.readUInt32BE();
  return {
    destination: {
      first: attributes.get(RTA.destination)?.readUInt32BE() ?? 0,
      prefixLength: buffer[HEADER_BYTES + 1] ?? 0,
    },
    index: attributes.get(RTA.outInterface)?.readUInt32LE() ?? 0,
    ...(gateway === undefined ? {} : { gateway }),
    ...(source === undefined ? {} : { source }),
  };
}

/** The hardware address behind an address, so that nobody has to ask for it. */
export function addNeighbour(index: number, ip: number, mac: string): Uint8Array {
  const info = Buffer.alloc(12);
  info[0] = AF_INET;
  info.writeInt32LE(index, 4);
  info.writeUInt16LE(NUD_PERMANENT, 8);
  return message(
    RTM.newNeighbour,
    NLM.create | NLM.replace,
    info,
    attribute(NDA_DESTINATION, address(ip)),
    attribute(NDA_LINK_ADDRESS, Buffer.from(mac.replaceAll(":", ""), "hex")),
  );
}

function routeAttributes(route: Route): Uint8Array[] {
  const attributes: Uint8Array[] = [];
  if (route.destination.prefixLength > 0)
    attributes.push(attribute(RTA.destination, address(route.destination.first)));
  if (route.gateway !== undefined) attributes.push(attribute(RTA.gateway, address(route.gateway)));
  if (route.source !== undefined)
    attributes.push(attribute(RTA.preferredSource, address(route.source)));
  if (route.index !== undefined) attributes.push(attribute(RTA.outInterface, u32(route.index)));
  return attributes;
}

/** struct ifaddrmsg. */
function addressInfo(index: number, prefixLength: number): Uint8Array {
  const bytes = Buffer.alloc(ADDRESS_BYTES);
  bytes[0] = AF_INET;
  bytes[1] = prefixLength;
  bytes.writeUInt32LE(index, 4);
  return bytes;
}

/** struct rtmsg. */
function routeInfo(prefixLength: number, scope: number): Uint8Array {
  const bytes = Buffer.alloc(ROUTE_BYTES);
  bytes[0] = AF_INET;
  bytes[1] = prefixLength;
  bytes[4] = TABLE_MAIN;
  bytes[5] = PROTOCOL_NARU;
  bytes[6] = scope;
  bytes[7] = RTN_UNICAST;
  return bytes;
}
