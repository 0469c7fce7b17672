/** The file that remembers pods' addresses and host ports across restarts of the agent. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type Addresses, emptyAddresses, heldAsText, restore } from "./ipam.ts";
import type { Cidr } from "./ipv4.ts";
import type { PublishedPort } from "./pod-network.ts";

export interface PodState {
  readonly addresses: Addresses;
  readonly published: Map<string, readonly PublishedPort[]>;
}

interface StateFile {
  readonly next: number;
  readonly held: Readonly<Record<string, string>>;
  readonly published: Readonly<Record<string, readonly PublishedPort[]>>;
}

/** Nothing is known when the file is missing or was not written by us: then no pod of ours runs either. */
export function loadPodState(path: string, range: Cidr): PodState {
  const file = read(path);
  if (file === undefined) return { addresses: emptyAddresses(range), published: new Map() };
  return {
    addresses: restore(range, file.next, file.held),
    published: new Map(Object.entries(file.published)),
  };
}

/**
 * Whole or not at all. It need not reach the disk: after a power cut no pod is left that could hold an address.
 */
export function savePodState(path: string, state: PodState): void {
  const file: StateFile = {
    next: state.addresses.next,
    held: heldAsText(state.addresses),
    published: Object.fromEntries(state.published),
  };
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, JSON.stringify(file));
  renameSync(`${path}.new`, path);
}

function read(path: string): StateFile | undefined {
  try {
    const file = JSON.parse(readFileSync(path, "utf8")) as Partial<StateFile>;
    return { next: file.next ?? 0, held: file.held ?? {}, published: file.published ?? {} };
  } catch {
    return undefined; // First start, or a power cut in the middle of writing.
  }
}
