import { check } from "./check.ts";
import { O } from "./flags.ts";
import type { NetlinkAnswer } from "./kernel.ts";
import * as libc from "./libc.ts";

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const NETLINK_ROUTE = 0;
const HEADER_BYTES = 16;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLM_F_DUMP = 0x300;
/** The kernel never sends more at once. */
const RECEIVE_BYTES = 65_536;
/** A dump of a large routing table comes in this many parts at most; more means that we wait for nothing. */
const PARTS_MAX = 10_000;

/** Sends rtnetlink messages in the calling thread's network namespace. The kernel has answered when send returns. */
export function transactNetlink(messages: readonly Uint8Array[]): readonly NetlinkAnswer[] {
  const descriptor = check("socket", libc.socket(AF_NETLINK, SOCK_RAW | O.cloexec, NETLINK_ROUTE));
  try {
    const address = Buffer.alloc(12);
    address.writeUInt16LE(AF_NETLINK, 0);
    check("bind", libc.bind(descriptor, address, address.length), "netlink");
    const answers: NetlinkAnswer[] = [];
    for (const [index, message] of messages.entries()) {
      const answer = transact(descriptor, message, index + 1);
      answers.push(answer);
      if (answer.errno !== 0) break;
    }
    return answers;
  } finally {
    libc.close(descriptor);
  }
}

function transact(descriptor: number, message: Uint8Array, sequence: number): NetlinkAnswer {
  const request = Buffer.from(message);
  const flags = request.readUInt16LE(6);
  const dumps = (flags & NLM_F_DUMP) === NLM_F_DUMP && request.readUInt16LE(4) % 4 === 2;
  request.writeUInt32LE(request.length, 0);
  request.writeUInt16LE(flags | NLM_F_REQUEST | (dumps ? 0 : NLM_F_ACK), 6);
  request.writeUInt32LE(sequence, 8);
  request.writeUInt32LE(0, 12);
  check("send", libc.send(descriptor, request, request.length, 0), "netlink");
  const replies: Uint8Array[] = [];
  const received = Buffer.alloc(RECEIVE_BYTES);
  for (let part = 0; part < PARTS_MAX; part++) {
    const length = check("recv", libc.recv(descriptor, received, RECEIVE_BYTES, 0), "netlink");
    const errno = takeReplies(received.subarray(0, length), sequence, replies);
    if (errno !== undefined) return { errno, messages: replies };
  }
  throw new Error(`netlink: no end after ${PARTS_MAX} parts`);
}

/** The errno once the answer is complete. */
function takeReplies(
  received: Buffer,
  sequence: number,
  replies: Uint8Array[],
): number | undefined {
  let at = 0;
  while (at + HEADER_BYTES <= received.length) {
    const length = received.readUInt32LE(at);
    if (length < HEADER_BYTES) return undefined;
    if (received.readUInt32LE(at + 8) === sequence) {
      const type = received.readUInt16LE(at + 4);
      if (type === NLMSG_ERROR) return Math.abs(received.readInt32LE(at + HEADER_BYTES));
      if (type === NLMSG_DONE) return 0;
      replies.push(Uint8Array.from(received.subarray(at, at + length)));
    }
    at += (length + 3) & ~3;
  }
  return undefined;
}
