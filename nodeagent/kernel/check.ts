import * as libc from "./libc.ts";
import { SyscallError } from "./syscall-error.ts";

/** Passes a libc answer on, or throws what errno says. Nothing may call libc in between. */
export function check(syscall: string, answer: number, on = ""): number {
  if (answer < 0) throw new SyscallError(syscall, libc.errno(), on);
  return answer;
}
