/** What must outlive the agent and the runtime does not keep: one file a pod. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ResizeRecord } from "./resize/pod-resize.ts";
import type { Termination } from "./state.ts";
import type { Verdict } from "./view.ts";

export interface ContainerMemory {
  readonly attempts: number;
  readonly failures: number;
  readonly image: string;
  readonly imageId: string;
  /** The image's; it is not read again when a container is only ended. */
  readonly stopSignal: string;
  /** It was ended to be started anew, whatever its pod's restart policy says. */
  readonly isRestarting?: true;
  readonly last?: Termination;
  /** Of the latest attempt, once it has ended. */
  readonly end?: Termination;
}

export interface PodRecord {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly startTimeMs: number;
  readonly ip?: string;
  readonly isRemoved?: boolean;
  readonly verdict?: Verdict;
  /** Absent in what an agent has written that knew nothing of resizing. */
  readonly resize?: ResizeRecord;
  readonly containers: Readonly<Record<string, ContainerMemory>>;
}

const FILE = "record.json";

/** Not forced to the disk: the page cache outlives the agent, and with the machine the containers are gone too. */
export function writeRecord(podDirectory: string, record: PodRecord): void {
  const path = join(podDirectory, FILE);
  mkdirSync(podDirectory, { recursive: true, mode: 0o750 });
  writeFileSync(`${path}.next`, JSON.stringify(record));
  renameSync(`${path}.next`, path);
}

export function readRecord(podDirectory: string): PodRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(podDirectory, FILE), "utf8")) as PodRecord;
  } catch {
    return undefined; // There is none, or the machine lost power while it was written.
  }
}

/** Uids of all pods that were here. */
export function recordedPods(podsDirectory: string): readonly string[] {
  mkdirSync(podsDirectory, { recursive: true, mode: 0o750 });
  return readdirSync(podsDirectory);
}

export function removeRecord(podDirectory: string): void {
  rmSync(podDirectory, { recursive: true, force: true });
}
