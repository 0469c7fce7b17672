import { errnoName } from "../../kernel/syscall-error.ts";
import type { CallFailure } from "../runner/records.ts";

/** What execve(2)'s codes most often mean to who wrote the command. */
const EXEC_MEANINGS = new Map([
  ["ENOENT", "executable file not found in the image or in its $PATH"],
  ["EACCES", "permission denied: not an executable file, or its user may not run it"],
  ["ENOEXEC", "neither a program for this machine nor a script that starts with #!"],
]);

/** clone(2): also what it says of a PID namespace whose first process is ending. */
const NAMESPACE_ENDED = "no memory, or the process namespace that it joins has ended";

/** One line: the step that failed, the kernel's answer, and what that means where users need to know. */
export function describeFailure({ entry, errno }: CallFailure): string {
  const code = errnoName(errno);
  const isProgram = entry.call === "execve" || entry.call === "faccessat";
  const ofClone = entry.call === "clone" && code === "ENOMEM" ? NAMESPACE_ENDED : undefined;
  const meaning = isProgram ? EXEC_MEANINGS.get(code) : ofClone;
  return `${entry.what}: ${code}${meaning === undefined ? "" : ` (${meaning})`}`;
}
