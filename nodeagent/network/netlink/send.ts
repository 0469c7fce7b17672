/** Sends rtnetlink messages and reads the answers, with errors that name what was refused. */
import { getSystemErrorName } from "node:util";
import type { NetworkKernel } from "../kernel-network.ts";
import { dumpLinks, getLink, type Link, readLink } from "./link.ts";
import { ERRNO } from "./message.ts";
import { dumpRoutes, type Route, readRoute } from "./route.ts";

/** A message that says what it is for. */
export interface Step {
  readonly what: string;
  readonly message: Uint8Array;
  /** Errnos that mean that there was nothing to do. */
  readonly tolerate?: readonly number[];
}

export class NetlinkError extends Error {
  override readonly name = "NetlinkError";
  readonly errno: number;

  constructor(what: string, errno: number) {
    super(`${what}: ${getSystemErrorName(-errno)}`);
    this.errno = errno;
  }
}

/** In one round trip, when nothing has to be tolerated. */
export async function sendSteps(
  kernel: NetworkKernel,
  steps: readonly Step[],
  netnsPath?: string,
): Promise<void> {
  let at = 0;
  while (at < steps.length) {
    const rest = steps.slice(at);
    const results = await kernel.netlink(
      rest.map((step) => step.message),
      netnsPath,
    );
    const failed = results.findIndex((result) => result.errno !== 0);
    if (failed === -1) return;
    const step = rest[failed];
    const errno = results[failed]?.errno ?? 0;
    if (step?.tolerate?.includes(errno) !== true)
      throw new NetlinkError(step?.what ?? "netlink", errno);
    at += failed + 1;
  }
}

/** Undefined when there is no such interface. */
export async function findLink(
  kernel: NetworkKernel,
  name: string,
  netnsPath?: string,
): Promise<Link | undefined> {
  const [result] = await kernel.netlink([getLink(name)], netnsPath);
  if (result === undefined || result.errno === ERRNO.noDevice) return undefined;
  if (result.errno !== 0) throw new NetlinkError(`get interface ${name}`, result.errno);
  return result.messages.map(readLink).find((link) => link !== undefined);
}

export async function listLinks(
  kernel: NetworkKernel,
  netnsPath?: string,
): Promise<readonly Link[]> {
  const messages = await dump(kernel, "list interfaces", dumpLinks(), netnsPath);
  return messages.map(readLink).filter((link) => link !== undefined);
}

/** Only the routes that Naru made. */
export async function listRoutes(
  kernel: NetworkKernel,
  netnsPath?: string,
): Promise<readonly Route[]> {
  const messages = await dump(kernel, "list routes", dumpRoutes(), netnsPath);
  return messages.map(readRoute).filter((route) => route !== undefined);
}

async function dump(
  kernel: NetworkKernel,
  what: string,
  message: Uint8Array,
  netnsPath: string | undefined,
): Promise<readonly Uint8Array[]> {
  const [result] = await kernel.netlink([message], netnsPath);
  if (result === undefined || result.errno !== 0)
    throw new NetlinkError(what, result?.errno ?? ERRNO.noEntry);
  return result.messages;
}
