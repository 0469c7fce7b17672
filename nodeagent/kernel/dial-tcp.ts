import { setTimeout as delay } from "node:timers/promises";
import { check } from "./check.ts";
import { O } from "./flags.ts";
import * as libc from "./libc.ts";
import { inNetwork } from "./namespaces.ts";
import { SyscallError } from "./syscall-error.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const EINPROGRESS = 115;
const ETIMEDOUT = 110;
const POLLOUT = 4;
/** Loopback answers at once, unless the listener's queue is full. */
const ATTEMPTS_MAX = 200;
const ATTEMPT_INTERVAL_MS = 10;

/** See `Kernel.dialTcp`. */
export async function dialTcp(netnsPath: string | undefined, port: number): Promise<number> {
  try {
    return await dial(netnsPath, ipv4Loopback(port));
  } catch (error) {
    try {
      return await dial(netnsPath, ipv6Loopback(port));
    } catch {
      throw error; // IPv4's answer is the one that people expect.
    }
  }
}

async function dial(netnsPath: string | undefined, address: Buffer): Promise<number> {
  // A socket stays in the namespace that it was made in.
  const make = (): number => {
    const type = SOCK_STREAM | O.cloexec | O.nonBlock;
    return check("socket", libc.socket(address.readUInt16LE(0), type, 0));
  };
  const descriptor = netnsPath === undefined ? make() : inNetwork(netnsPath, make);
  try {
    await connected(descriptor, address);
    return descriptor;
  } catch (error) {
    libc.close(descriptor);
    throw error;
  }
}

async function connected(descriptor: number, address: Buffer): Promise<void> {
  const on = `port ${address.readUInt16BE(2)}`;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    if (libc.connect(descriptor, address, address.length) === 0) return;
    const errno = libc.errno();
    if (errno === 106) return; // EISCONN: the attempt before has made it.
    if (errno !== EINPROGRESS && errno !== 114) throw new SyscallError("connect", errno, on);
    const waiting = Buffer.alloc(8);
    waiting.writeInt32LE(descriptor, 0);
    waiting.writeInt16LE(POLLOUT, 4);
    if (libc.poll(waiting, 1, 0) === 0) await delay(ATTEMPT_INTERVAL_MS);
  }
  throw new SyscallError("connect", ETIMEDOUT, on);
}

function ipv4Loopback(port: number): Buffer {
  const address = Buffer.alloc(16);
  address.writeUInt16LE(AF_INET, 0);
  address.writeUInt16BE(port, 2);
  address.set([127, 0, 0, 1], 4);
  return address;
}

function ipv6Loopback(port: number): Buffer {
  const address = Buffer.alloc(28);
  address.writeUInt16LE(AF_INET6, 0);
  address.writeUInt16BE(port, 2);
  address[23] = 1;
  return address;
}
