import { type Clock, sleep } from "#lib/clock";
import type { LifecycleHandler } from "#proto/core/v1";
import { type CheckResult, type CheckTarget, check } from "./check.ts";

/** A postStart or preStop hook, to its end or its time limit. Never rejects. */
export async function runHook(
  hook: LifecycleHandler,
  target: CheckTarget,
  clock: Clock,
  timeoutMs: number,
): Promise<CheckResult> {
  if (hook.sleep === undefined) return check(hook, target, clock, timeoutMs);
  await sleep(clock, Math.min(hook.sleep.seconds * 1000, timeoutMs));
  return { isGood: true, message: "" };
}
