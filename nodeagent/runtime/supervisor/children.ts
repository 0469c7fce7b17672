import type { Kernel } from "../../kernel/kernel.ts";
import { hasCode } from "../../kernel/syscall-error.ts";

/**
 * Collects ended children. Nothing else in the process may wait for any, so child_process is not used beside it. Exits
 * of children that nobody waits for are dropped: what a container's reaper has to say stands in its status file.
 */
export class Children {
  readonly #kernel: Pick<Kernel, "reap">;
  readonly #waiting = new Map<number, (status: number) => void>();

  constructor(kernel: Pick<Kernel, "reap">) {
    this.#kernel = kernel;
  }

  /** The child's status as wait(2) has it. To be called before anything else is awaited after its start. */
  exited(pid: number): Promise<number> {
    return new Promise((resolve) => this.#waiting.set(pid, resolve));
  }

  /** To be called at each SIGCHLD: one signal may stand for many children. */
  collect(): void {
    for (;;) {
      const ended = this.#next();
      if (ended === undefined) return;
      const wake = this.#waiting.get(ended.pid);
      this.#waiting.delete(ended.pid);
      wake?.(ended.status);
    }
  }

  #next(): { readonly pid: number; readonly status: number } | undefined {
    try {
      return this.#kernel.reap(-1);
    } catch (error) {
      if (hasCode(error, "ECHILD")) return undefined;
      throw error;
    }
  }
}

/** A wait(2) status in a shell's terms. */
export function exitOf(status: number): { readonly exitCode: number; readonly signal: number } {
  const signal = status & 0x7f;
  return signal === 0
    ? { exitCode: (status >> 8) & 0xff, signal: 0 }
    : { exitCode: 128 + signal, signal };
}
