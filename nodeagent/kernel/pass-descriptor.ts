import { check } from "./check.ts";
import { O } from "./flags.ts";
import * as libc from "./libc.ts";

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const PATH_BYTES_MAX = 107;

/** Sends a descriptor to whoever listens at a unix socket, as terminals are handed over; `name` comes with it. */
export function passDescriptor(socketPath: string, descriptor: number, name: string): void {
  const path = Buffer.from(socketPath);
  if (path.length > PATH_BYTES_MAX)
    throw new RangeError(`${socketPath}: too long for a socket's path`);
  const socket = check("socket", libc.socket(AF_UNIX, SOCK_STREAM | O.cloexec, 0));
  try {
    const address = Buffer.alloc(2 + path.length + 1);
    address.writeUInt16LE(AF_UNIX, 0);
    path.copy(address, 2);
    check("connect", libc.connect(socket, address, address.length), socketPath);
    const data = Buffer.from(name);
    // Until the call is over everything that the message points to is held by these variables.
    const vector = Buffer.alloc(16);
    vector.writeBigUInt64LE(BigInt(libc.addressOf(data)), 0);
    vector.writeBigUInt64LE(BigInt(data.length), 8);
    const control = Buffer.alloc(24);
    control.writeBigUInt64LE(20n, 0);
    control.writeInt32LE(SOL_SOCKET, 8);
    control.writeInt32LE(SCM_RIGHTS, 12);
    control.writeInt32LE(descriptor, 16);
    check("sendmsg", libc.sendmsg(socket, messageHeader(vector, control), 0), socketPath);
  } finally {
    libc.close(socket);
  }
}

/** struct msghdr with one part of data and one of control. */
function messageHeader(vector: Buffer, control: Buffer): Buffer {
  const header = Buffer.alloc(56);
  header.writeBigUInt64LE(BigInt(libc.addressOf(vector)), 16);
  header.writeBigUInt64LE(1n, 24);
  header.writeBigUInt64LE(BigInt(libc.addressOf(control)), 32);
  header.writeBigUInt64LE(BigInt(control.length), 40);
  return header;
}

/** Ends this process at once. What a child still reads of our memory stays as it is: nothing is freed. */
export function exitNow(code: number): never {
  libc.exitNow(code);
  throw new Error("_exit returned");
}
