/** Network interfaces. */
import {
  attribute,
  HEADER_BYTES,
  message,
  NLM,
  nested,
  RTM,
  readAttributes,
  text,
  u32,
} from "./message.ts";

const IFLA = {
  address: 1,
  name: 3,
  mtu: 4,
  master: 10,
  linkInfo: 18,
  netnsPid: 19,
  netnsDescriptor: 28,
} as const;
const INFO_KIND = 1;
const INFO_DATA = 2;
const VETH_PEER = 1;
const IFF_UP = 1;
const INFO_BYTES = 16;

export const LOOPBACK_INDEX = 1;

export interface VethEnd {
  readonly name: string;
  /** "0a:58:0a:f4:01:02" */
  readonly mac: string;
}

export interface VethOptions {
  readonly near: VethEnd & { readonly index?: number };
  /** Put into another network namespace, named by an open file or by a process, as whoever sends this numbers them. */
  readonly far: VethEnd & {
    readonly netns: { readonly pid: number } | { readonly descriptor: number };
  };
  readonly mtu: number;
}

/** A pair whose near end is in the namespace that the message is sent in. Both ends are down. */
export function addVeth(options: VethOptions): Uint8Array {
  const { near, far, mtu } = options;
  const peer = [
    info(0, 0),
    attribute(IFLA.name, text(far.name)),
    attribute(IFLA.address, mac(far.mac)),
    attribute(IFLA.mtu, u32(mtu)),
    "pid" in far.netns
      ? attribute(IFLA.netnsPid, u32(far.netns.pid))
      : attribute(IFLA.netnsDescriptor, u32(far.netns.descriptor)),
  ];
  return message(
    RTM.newLink,
    NLM.create | NLM.exclusive,
    info(near.index ?? 0, 0),
    attribute(IFLA.name, text(near.name)),
    attribute(IFLA.address, mac(near.mac)),
    attribute(IFLA.mtu, u32(mtu)),
    nested(
      IFLA.linkInfo,
      attribute(INFO_KIND, text("veth")),
      nested(INFO_DATA, nested(VETH_PEER, ...peer)),
    ),
  );
}

export function addBridge(name: string): Uint8Array {
  return message(
    RTM.newLink,
    NLM.create | NLM.exclusive,
    info(0, IFF_UP),
    attribute(IFLA.name, text(name)),
    nested(IFLA.linkInfo, attribute(INFO_KIND, text("bridge"))),
  );
}

export interface LinkChange {
  readonly up?: true;
  /** Index of the bridge that it becomes a port of. */
  readonly master?: number;
}

/** Changes an existing interface, named or numbered. */
export function setLink(link: string | number, change: LinkChange): Uint8Array {
  const parts = [info(typeof link === "number" ? link : 0, change.up === undefined ? 0 : IFF_UP)];
  if (typeof link === "string") parts.push(attribute(IFLA.name, text(link)));
  if (change.master !== undefined) parts.push(attribute(IFLA.master, u32(change.master)));
  return message(RTM.newLink, 0, ...parts);
}

export function deleteLink(name: string): Uint8Array {
  return message(RTM.delLink, 0, info(0, 0), attribute(IFLA.name, text(name)));
}

export function getLink(name: string): Uint8Array {
  return message(RTM.getLink, 0, info(0, 0), attribute(IFLA.name, text(name)));
}

export function dumpLinks(): Uint8Array {
  return message(RTM.getLink, NLM.dump, info(0, 0));
}

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly isUp: boolean;
}

/** Undefined for messages that describe no interface. */
export function readLink(bytes: Uint8Array): Link | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < HEADER_BYTES + INFO_BYTES) return undefined;
  if (buffer.readUInt16LE(4) !== RTM.newLink) return undefined;
  const name = readAttributes(bytes, HEADER_BYTES + INFO_BYTES).get(IFLA.name);
  if (name === undefined) return undefined;
  return {
    index: buffer.readInt32LE(HEADER_BYTES + 4),
    name: name.toString("utf8").replace(/\0.*$/s, ""),
    isUp: (buffer.readUInt32LE(HEADER_BYTES + 8) & IFF_UP) !== 0,
  };
}

/** struct ifinfomsg. Only the "up" flag is ever changed. */
function info(index: number, flags: number): Uint8Array {
  const bytes = Buffer.alloc(INFO_BYTES);
  bytes.writeInt32LE(index, 4);
  bytes.writeUInt32LE(flags, 8);
  bytes.writeUInt32LE(flags, 12);
  return bytes;
}

function mac(value: string): Uint8Array {
  return Buffer.from(value.replaceAll(":", ""), "hex");
}
