/** Ends a running container: preStop, its stop signal, and SIGKILL when its time is up. */
import type { Clock } from "#lib/clock";
import type { LifecycleHandler } from "#proto/core/v1";
import type { CheckResult } from "../probes/check.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { signalNumber } from "./signal-number.ts";

export interface EndOptions {
  readonly id: string;
  readonly clock: Clock;
  readonly runtime: Pick<Runtime, "killContainer">;
  readonly preStop: LifecycleHandler | undefined;
  /** As image and pod name it. */
  readonly stopSignal: string;
  readonly graceMs: number;
  runHook(hook: LifecycleHandler, timeoutMs: number): Promise<CheckResult>;
  hookFailed(message: string): void;
  own(work: Promise<void>): void;
}

/** After a preStop hook that used up the time, a container still gets a chance to end by itself: kubelet's value. */
const AFTER_HOOK_MS_MIN = 2_000;
/** A process in an uninterruptible sleep is killed when it wakes; a kill that was lost is made again. */
const KILL_AGAIN_MS = 5_000;
const SIGKILL = 9;

export class ContainerEnd {
  readonly #options: EndOptions;
  #killAtMs: number;
  #cancelKill: (() => void) | undefined;
  #isOver = false;

  constructor(options: EndOptions) {
    this.#options = options;
    this.#killAtMs = options.clock.nowMs() + options.graceMs;
    options.own(this.#run());
  }

  /** The time that is left became shorter. */
  hurry(graceMs: number): void {
    const killAtMs = this.#options.clock.nowMs() + graceMs;
    if (killAtMs >= this.#killAtMs) return;
    this.#killAtMs = killAtMs;
    this.#killWhenDue();
  }

  /** It has ended, or is not ours to end any more. */
  close(): void {
    this.#isOver = true;
    this.#cancelKill?.();
  }

  async #run(): Promise<void> {
    const { clock, graceMs, id, preStop, runtime } = this.#options;
    if (preStop !== undefined && graceMs > 0) {
      const result = await this.#options.runHook(preStop, graceMs);
      if (!result.isGood) this.#options.hookFailed(result.message);
      if (this.#isOver) return;
      this.#killAtMs = Math.max(this.#killAtMs, clock.nowMs() + AFTER_HOOK_MS_MIN);
    }
    this.#killWhenDue();
    if (this.#killAtMs > clock.nowMs()) {
      await runtime.killContainer(id, signalNumber(this.#options.stopSignal), false);
    }
  }

  #killWhenDue(): void {
    const { clock, id, own, runtime } = this.#options;
    if (this.#isOver) return;
    this.#cancelKill?.();
    const delayMs = Math.max(0, this.#killAtMs - clock.nowMs());
    this.#cancelKill = clock.after(delayMs, () => {
      own(runtime.killContainer(id, SIGKILL, true));
      this.#killAtMs = clock.nowMs() + KILL_AGAIN_MS;
      this.#killWhenDue();
    });
  }
}
