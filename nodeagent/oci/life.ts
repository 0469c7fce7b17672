/** The operations on a container that is created: start, kill, delete, pause and resume. */
import { writeSync } from "node:fs";
import { constants } from "node:os";
import { sleep } from "#lib/clock";
import { SIGKILL } from "../kernel/flags.ts";
import { hasCode } from "../kernel/syscall-error.ts";
import { type Container, enteringOf, findContainer, isWaiting, stateOf } from "./container.ts";
import type { OciDeps } from "./deps.ts";
import { runHooks } from "./hooks.ts";

const INTERVAL_MS = 2;
/** What becomes another program within a call of the kernel's takes no longer. */
const START_MS_MAX = 10_000;
/** A killed process may sit in the kernel for a while, on a disk that does not answer. */
const END_MS_MAX = 10_000;

export async function startContainer(deps: OciDeps, id: string): Promise<void> {
  const { clock, kernel, records } = deps;
  const container = findContainer(deps, id);
  const { record, spec, status } = container;
  if (status === "stopped") throw new Error("cannot start a container that has stopped");
  if (status !== "created") throw new Error(`cannot start a container that is ${status}`);
  const entering = enteringOf(record.pid, true);
  runHooks("startContainer", spec.hooks.startContainer, stateOf(container, "created"), entering);
  const gate = kernel.openWriting(records.gate(id));
  try {
    writeSync(gate, "s");
  } finally {
    kernel.closeDescriptor(gate);
  }
  // The process gives the gate up as it becomes the program.
  await until(clock, START_MS_MAX, () => !isWaiting(deps, id));
  const started = findContainer(deps, id);
  runHooksThatMayFail(deps, started, "poststart");
}

/** The specification has their failures told, and nothing else done about them. */
function runHooksThatMayFail(
  deps: OciDeps,
  container: Container,
  kind: "poststart" | "poststop",
): void {
  const state = stateOf(container, kind === "poststop" ? "stopped" : container.status);
  for (const hook of container.spec.hooks[kind]) {
    try {
      runHooks(kind, [hook], state);
    } catch (error) {
      deps.warn((error as Error).message);
    }
  }
}

/** `signal`: a number, or a name with or without SIG. */
export function killContainer(deps: OciDeps, id: string, signal: string, all: boolean): void {
  const number = signalNumber(signal);
  const { cgroup, record, status } = findContainer(deps, id);
  if (all) {
    for (const pid of cgroup.processes()) deps.kernel.signal(pid, number);
    return;
  }
  if (status === "stopped" || status === "creating") throw new Error("container not running");
  deps.kernel.signal(record.pid, number);
}

const SIGNALS: Readonly<Record<string, number | undefined>> = constants.signals;

export function signalNumber(signal: string): number {
  const number = /^\d+$/.test(signal)
    ? Number(signal)
    : SIGNALS[`SIG${signal.toUpperCase().replace(/^SIG/, "")}`];
  if (number === undefined || number < 1 || number > 64)
    throw new Error(`unknown signal "${signal}": a number or a name, as 9, KILL or SIGKILL`);
  return number;
}

/** `force`: ends it first, and is content when there is none. */
export async function deleteContainer(deps: OciDeps, id: string, force: boolean): Promise<void> {
  const { clock, records } = deps;
  let container: Container;
  try {
    container = findContainer(deps, id);
  } catch (error) {
    if (!force) throw error;
    // What a creation that was killed has left.
    if (/does not exist$/.test((error as Error).message)) return records.remove(id);
    throw error;
  }
  const { status } = container;
  if (status !== "stopped" && !force)
    throw new Error(`cannot delete container ${id} that is not stopped: ${status}`);
  await endAll(deps, container);
  const { cgroup } = container;
  if (!(await until(clock, END_MS_MAX, () => cgroup.remove())))
    throw new Error(`the control group ${cgroup.path} still has processes`);
  records.remove(id);
  runHooksThatMayFail(deps, container, "poststop");
}

/** The first process, and what shares the node's process namespace with it and so outlives it. */
async function endAll(deps: OciDeps, { cgroup, record, status }: Container): Promise<void> {
  const { clock, kernel } = deps;
  cgroup.thaw();
  // One whose creation was killed has no number yet: what there is of it is in its groups.
  if (status !== "stopped" && status !== "creating") kernel.signal(record.pid, SIGKILL);
  const isOver = (): boolean => {
    const left = cgroup.processes();
    for (const pid of left) kernel.signal(pid, SIGKILL);
    return left.length === 0;
  };
  await until(clock, END_MS_MAX, isOver);
}

export function setPaused(deps: OciDeps, id: string, isPaused: boolean): void {
  const { cgroup, status } = findContainer(deps, id);
  if (isPaused && status !== "running" && status !== "created")
    throw new Error(`container not running: it is ${status}`);
  if (!isPaused && status !== "paused") throw new Error("container not paused");
  cgroup.freeze(isPaused);
}

/** False when it has not come about in time. */
export async function until(
  clock: OciDeps["clock"],
  msMax: number,
  isSo: () => boolean,
): Promise<boolean> {
  const end = clock.monotonicMs() + msMax;
  while (!isSo()) {
    if (clock.monotonicMs() > end) return false;
    await sleep(clock, INTERVAL_MS);
  }
  return true;
}

/** Of a child of ours: what a shell would say of its end. */
export async function waitForChild({ clock, kernel }: OciDeps, pid: number): Promise<number> {
  for (;;) {
    const ended = reapIfAny(kernel, pid);
    if (ended !== undefined) {
      const signal = ended.status & 0x7f;
      return signal === 0 ? (ended.status >> 8) & 0xff : 128 + signal;
    }
    await nextChange(clock);
  }
}

function reapIfAny(kernel: OciDeps["kernel"], pid: number) {
  try {
    return kernel.reap(pid);
  } catch (error) {
    if (hasCode(error, "ECHILD")) return { pid, status: 0 };
    throw error;
  }
}

/** SIGCHLD, or a second that a signal may have been missed in. */
function nextChange(clock: OciDeps["clock"]): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      process.off("SIGCHLD", done);
      resolve();
    };
    const cancel = clock.after(1000, done);
    process.on("SIGCHLD", done);
  });
}
