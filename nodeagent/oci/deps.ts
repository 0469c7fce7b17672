import type { Clock } from "#lib/clock";
import type { Kernel } from "../kernel/kernel.ts";
import type { Architecture } from "../runtime/runner/machine-code.ts";
import type { ContainerRecords } from "./container-record.ts";

/** What the commands need of the machine. */
export interface OciDeps {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly records: ContainerRecords;
  readonly architecture: Architecture;
  /** Our own bounding set of capabilities. */
  readonly granted: ReadonlySet<string>;
  /** Name of who runs us. */
  readonly owner: string;
  /** From LISTEN_FDS: descriptors from 3 on that are for the container. */
  readonly listenDescriptors: number;
  readonly warn: (text: string) => void;
  /** Lets every byte through a terminal as it is; answers what undoes it. */
  makeRaw(descriptor: number): () => void;
  passDescriptor(socketPath: string, descriptor: number, name: string): void;
}
