/** Time, so that a simulation can own it. Only `main.ts` files and `naru/` construct the real one. */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970, for timestamps that people and other programs see. */
  nowMs(): number;
  /** Milliseconds that never jump back, for measuring and for deadlines. */
  monotonicMs(): number;
  /** Calls back once, `delayMs` from now, unless the returned cancel is called first. */
  after(delayMs: number, wake: () => void): () => void;
}

/** Resolves after `delayMs`, or at once (without throwing) when the signal aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const end = (): void => {
      cancel();
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const cancel = clock.after(delayMs, end);
    signal?.addEventListener("abort", end, { once: true });
  });
}
