import { type Clock, sleep } from "#lib/clock";
import type { Kernel } from "../../kernel/kernel.ts";
import type { ContainerConfig, ProcessStreams } from "../runtime.ts";
import { ByteQueue, type OutputChunk } from "./byte-queue.ts";
import {
  type Reading,
  readDescriptor,
  type Writing,
  writePipe,
  writeTerminal,
} from "./endpoints.ts";
import { type LogLimits, LogWriter } from "./log-writer.ts";
import type { ContainerPaths } from "./state-directory.ts";

/** An attached client that is this far behind is cut off: it must hold up neither the container nor its log. */
const ATTACHED_BYTES_MAX = 4 * 1024 * 1024;
const DRAIN_INTERVAL_MS = 1;
/** As much as a user may have without CAP_SYS_RESOURCE: what a container writes while nobody reads. */
const PIPE_BYTES = 1024 * 1024;

export interface ContainerIoOptions {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly config: ContainerConfig;
  readonly paths: ContainerPaths;
  readonly logLimits: LogLimits;
}

/** The streams of a container's first process: into the log, and to everybody who is attached. */
export class ContainerIo {
  readonly #options: ContainerIoOptions;
  readonly #log: LogWriter;
  readonly #attached = new Set<ByteQueue>();
  readonly #readings: Reading[] = [];
  readonly #fifos: number[] = [];
  #isClosed = false;
  #stdin: Writing | undefined;
  #master: number | undefined;

  constructor(options: ContainerIoOptions) {
    this.#options = options;
    const { clock, config, logLimits } = options;
    this.#log = new LogWriter(config.logPath, clock, logLimits);
  }

  /** Takes over what comes out. With a terminal, `master` is it; else the FIFOs are opened, which must exist. */
  open(master: number | undefined, stdinWriter: number | undefined): void {
    const { kernel, paths, clock } = this.#options;
    if (master !== undefined) {
      this.#master = master;
      const reading = this.#read(master, true, "stdout");
      this.#stdin = writeTerminal(master, reading.ended, clock);
      return;
    }
    for (const stream of ["stdout", "stderr"] as const) {
      const descriptor = kernel.openReading(paths[stream]);
      kernel.setPipeSize(descriptor, PIPE_BYTES);
      this.#fifos.push(descriptor);
      this.#read(descriptor, false, stream);
    }
    if (stdinWriter !== undefined) this.#stdin = writePipe(stdinWriter);
  }

  attach(): ProcessStreams {
    const queue = new ByteQueue({
      bytesMax: ATTACHED_BYTES_MAX,
      onFull: () => this.#detach(queue),
    });
    this.#attached.add(queue);
    return {
      output: queue,
      write: (data) => this.#stdin?.write(data) ?? Promise.resolve(),
      closeStdin: () => this.#endStdin(),
      resize: (width, height) => {
        if (this.#master === undefined) return;
        this.#options.kernel.resizeTerminal(this.#master, width, height);
      },
      abort: () => {
        this.#detach(queue);
        this.#endStdin();
      },
    };
  }

  /** Resolves when everything that was written is in the log. The reaper holds the FIFOs open until then. */
  async drained(): Promise<void> {
    for (const descriptor of this.#fifos) {
      while (!this.#isClosed && this.#options.kernel.unreadBytes(descriptor) > 0) {
        await sleep(this.#options.clock, DRAIN_INTERVAL_MS);
      }
    }
  }

  /** Resolves when nobody can write any more. */
  async ended(): Promise<void> {
    await Promise.all(this.#readings.map(({ ended }) => ended));
  }

  close(): void {
    this.#isClosed = true;
    this.#master = undefined;
    for (const reading of this.#readings) reading.close();
    this.#stdin?.close();
    for (const queue of this.#attached) queue.end();
    this.#attached.clear();
    this.#log.close();
  }

  #read(descriptor: number, isTerminal: boolean, stream: "stderr" | "stdout"): Reading {
    const reading = readDescriptor(descriptor, isTerminal, (data) => this.#take({ stream, data }));
    this.#readings.push(reading);
    return reading;
  }

  #take(chunk: OutputChunk & { readonly data: Buffer }): void {
    this.#log.write(chunk.stream, chunk.data);
    for (const queue of this.#attached) queue.push(chunk);
  }

  #detach(queue: ByteQueue): void {
    queue.end();
    this.#attached.delete(queue);
  }

  /** With stdinOnce the input ends when the first client leaves; else it never does. */
  #endStdin(): void {
    if (!this.#options.config.stdinOnce) return;
    this.#stdin?.close();
    this.#stdin = undefined;
  }
}
