import { constants } from "node:os";

/** A system call that failed: which one, on what, and the kernel's own name for why. */
export class SyscallError extends Error {
  override readonly name = "SyscallError";
  readonly syscall: string;
  readonly errno: number;
  /** "ENOENT", as node:fs has it. */
  readonly code: string;

  constructor(syscall: string, errno: number, on: string) {
    const code = errnoName(errno);
    super(`${syscall}${on === "" ? "" : ` ${on}`}: ${code}`);
    this.syscall = syscall;
    this.errno = errno;
    this.code = code;
  }
}

/** More than libuv's names: ECHILD is not among those. Where two share a number, the first is the usual one. */
const NAMES = new Map(
  Object.entries(constants.errno)
    .toReversed()
    .map(([name, errno]) => [errno, name]),
);

/** The symbolic name; the number itself where there is none. */
export function errnoName(errno: number): string {
  return NAMES.get(errno) ?? `errno ${errno}`;
}

/** True for this code of ours or of node:fs. */
export function hasCode(thrown: unknown, ...codes: readonly string[]): boolean {
  if (!(thrown instanceof Error) || !("code" in thrown)) return false;
  return typeof thrown.code === "string" && codes.includes(thrown.code);
}
