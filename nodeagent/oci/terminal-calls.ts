/** A container's terminal: the first one of its own devpts, opened by itself, so that it is there what it is called. */
import { AT, E, MS, O, TIOC } from "../kernel/flags.ts";
import type { Program } from "../runtime/system-call.ts";

export interface TerminalPlan {
  readonly size: { readonly height: number; readonly width: number } | undefined;
  /** Whose it is, inside. */
  readonly uid: number;
}

/** A fresh devpts counts from 0. */
const SLAVE = "/dev/pts/0";
const UNCHANGED = 0xffff_ffff;

/** Makes it the standard streams and /dev/console. The master stays at the descriptor `master`, for who made the process to copy. */
export function terminalCalls({ size, uid }: TerminalPlan, master: number): Program {
  const flags = O.readWrite | O.noCtty;
  return [
    {
      call: "openat",
      args: [AT.cwd, "/dev/pts/ptmx", flags],
      what: "open a terminal",
      answerTo: { ahead: 1, argument: 0 },
    },
    { call: "dup3", args: [0, master, 0], what: "dup3 the terminal's master" },
    { call: "ioctl", args: [master, TIOC.setPtyLock, new Uint8Array(4)], what: "ioctl TIOCSPTLCK" },
    {
      call: "ioctl",
      args: [master, TIOC.getPtyPeer, flags],
      what: "ioctl TIOCGPTPEER",
      answerTo: { ahead: 1, argument: 0 },
    },
    { call: "dup3", args: [0, 0, 0], what: "dup3 the terminal to 0" },
    { call: "dup3", args: [0, 1, 0], what: "dup3 the terminal to 1" },
    { call: "dup3", args: [0, 2, 0], what: "dup3 the terminal to 2" },
    { call: "ioctl", args: [0, TIOC.setControllingTty, 0], what: "ioctl TIOCSCTTY" },
    ...(uid === 0
      ? []
      : ([{ call: "fchown", args: [0, uid, UNCHANGED], what: "owner of the terminal" }] as const)),
    ...(size === undefined ? [] : ([sizeCall(size, master)] as const)),
    {
      call: "mknodat",
      args: [AT.cwd, "/dev/console", 0o100_600, 0],
      what: "make file /dev/console",
      tolerate: [E.exist],
    },
    {
      call: "mount",
      args: [SLAVE, "/dev/console", 0, MS.bind, 0],
      what: `mount ${SLAVE} on /dev/console`,
    },
  ];
}

/** struct winsize */
function sizeCall({ height, width }: NonNullable<TerminalPlan["size"]>, master: number) {
  const size = Buffer.alloc(8);
  size.writeUInt16LE(height, 0);
  size.writeUInt16LE(width, 2);
  const args = [master, TIOC.setWindowSize, size] as const;
  return { call: "ioctl", args, what: "ioctl TIOCSWINSZ" } as const;
}
