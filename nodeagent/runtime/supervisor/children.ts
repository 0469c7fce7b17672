import type { Kernel } from "../../kernel/kernel.ts";
import { hasCode } from "../../kernel/syscall-error.ts";

/** Exits that nobody has asked for yet: reapers of containers, mostly, whose status file says more. */
const EARLY_MAX = 10_000;

/** Collects ended children. Nothing else in the process may wait for any, so child_process is not used beside it. */
export class Children {
  readonly #kernel: Pick<Kernel, "reap">;
  readonly #waiting = new Map<number, (status: number) => void>();
  readonly #early = new Map<number, number>();

  constructor(kernel: Pick<Kernel, "reap">) {
    this.#kernel = kernel;
  }

  /** The child's status as wait(2) has it. */
  exited(pid: number): Promise<number> {
    const early = this.#early.get(pid);
    if (early !== undefined) {
      this.#early.delete(pid);
      return Promise.resolve(early);
    }
    return new Promise((resolve) => this.#waiting.set(pid, resolve));
  }

  /** To be called at each SIGCHLD: one signal may stand for many children. */
  collect(): void {
    for (;;) {
      const ended = this.#next();
      if (ended === undefined) return;
      const wake = this.#waiting.get(ended.pid);
      this.#waiting.delete(ended.pid);
      if (wake !== undefined) wake(ended.status);
      else this.#remember(ended.pid, ended.status);
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

  #remember(pid: number, status: number): void {
    this.#early.set(pid, status);
    if (this.#early.size <= EARLY_MAX) return;
    const [oldest] = this.#early.keys();
    if (oldest !== undefined) this.#early.delete(oldest);
  }
}

/** A wait(2) status in a shell's terms. */
export function exitOf(status: number): { readonly exitCode: number; readonly signal: number } {
  const signal = status & 0x7f;
  return signal === 0
    ? { exitCode: (status >> 8) & 0xff, signal: 0 }
    : { exitCode: 128 + signal, signal };
}
