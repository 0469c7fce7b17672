import { Socket } from "node:net";
import { type Architecture, MACHINE_CODE } from "../runtime/runner/machine-code.ts";
import {
  type Arena,
  answerOf,
  encodeProgram,
  failureOf,
  toleratedFailures,
} from "../runtime/runner/records.ts";
import type { Program } from "../runtime/system-call.ts";
import { check } from "./check.ts";
import { CLONE, SIGCHLD } from "./flags.ts";
import type { Spawned, SpawnOutcome } from "./kernel.ts";
import * as libc from "./libc.ts";
import { openPipe } from "./pipes.ts";
import { SyscallError } from "./syscall-error.ts";

/** The routine itself needs no stack; the kernel wants one for signals that arrive before execve. */
const STACK_BYTES = 16_384;
const CLONE_ARGS_BYTES = 88;
const SIG_SETMASK = 2;

/** Starts programs by the runner. One for a process: it keeps the machine code's page and the stacks. */
export class Spawner {
  readonly #architecture: Architecture;
  readonly #run: (args: Uint8Array, list: Uint8Array, size: number) => number;
  readonly #stacks: number[] = [];
  readonly #allSignals = Buffer.alloc(128, 0xff);
  readonly #signals = Buffer.alloc(128);
  readonly #cloneArgs = Buffer.alloc(CLONE_ARGS_BYTES);

  constructor(architecture: Architecture) {
    this.#architecture = architecture;
    this.#run = libc.loadMachineCode(MACHINE_CODE[architecture].runner);
  }

  /**
   * The new process shares our memory until its execve, but we go on at once. It is over when nobody holds the pipe's
   * writing end any more: all that walk the list have a copy, which closes itself at execve and at exit.
   */
  spawn(program: Program, namespaces = 0): Spawned {
    const arena = encodeProgram(program, this.#architecture, allocate);
    const [reading, writing] = openPipe();
    const stack = this.#stacks.pop() ?? libc.allocatePages(STACK_BYTES);
    let pid: number;
    try {
      pid = this.#clone(arena, stack, namespaces);
    } catch (error) {
      libc.close(reading);
      this.#stacks.push(stack);
      throw error;
    } finally {
      libc.close(writing);
    }
    const done = closed(reading).then(() => {
      this.#stacks.push(stack);
      return outcomeOf(arena);
    });
    return { pid, done, outcome: () => outcomeOf(arena) };
  }

  #clone(arena: Arena, stack: number, namespaces: number): number {
    const args = this.#cloneArgs;
    args.writeBigUInt64LE(BigInt(CLONE.vm | namespaces) | BigInt(CLONE.clearSigHand), 0);
    args.writeBigUInt64LE(BigInt(SIGCHLD), 32);
    args.writeBigUInt64LE(BigInt(stack), 40);
    args.writeBigUInt64LE(BigInt(STACK_BYTES), 48);
    // A handler of libuv's that ran in the child would write to a pipe that it shares with us.
    libc.sigprocmask(SIG_SETMASK, this.#allSignals, this.#signals);
    const pid = this.#run(args, arena.memory, CLONE_ARGS_BYTES);
    libc.sigprocmask(SIG_SETMASK, this.#signals, null);
    if (pid < 0) throw new SyscallError("clone3", -pid, "");
    return pid;
  }
}

/** V8 neither moves nor frees it while the Arena holds it. */
function allocate(bytes: number): { memory: Buffer; address: number } {
  const memory = Buffer.allocUnsafeSlow(bytes);
  return { memory, address: libc.addressOf(memory) };
}

function outcomeOf(arena: Arena): SpawnOutcome {
  return {
    failure: failureOf(arena),
    tolerated: toleratedFailures(arena),
    answer: (index) => answerOf(arena, index),
  };
}

function closed(descriptor: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = new Socket({ fd: descriptor, readable: true, writable: false });
    socket.on("error", () => {}); // "close" follows.
    socket.on("close", () => resolve());
    socket.resume();
  });
}

/** Sets the calling thread's PID namespace for children only; see pid_namespaces(7). */
export function inPidNamespaceOf<T>(processDescriptor: number, own: number, start: () => T): T {
  check("setns", libc.setns(processDescriptor, CLONE.newPid), "a container's PID namespace");
  try {
    return start();
  } finally {
    check("setns", libc.setns(own, CLONE.newPid), "our own PID namespace");
  }
}
