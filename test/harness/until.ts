/** Waits for what a cluster does in its own time. */
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 100;

/** Asks until there is an answer other than undefined or false; after the time is over, throws what `what` says. */
export async function until<T>(
  what: string,
  timeoutMs: number,
  ask: () => Promise<T | undefined | false>,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  let last: unknown = "no answer";
  while (performance.now() < deadlineMs) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    await sleep(POLL_MS);
  }
  throw new Error(`waited ${timeoutMs} ms for ${what}; at last: ${last}`);
}
