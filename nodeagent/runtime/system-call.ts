import type { CallName } from "./runner/numbers.ts";

/** What a system call is given. Memory is laid out by `runner/records.ts`. */
export type Argument =
  | number
  /** A NUL-terminated string's address. */
  | string
  /** The address of these bytes. */
  | Uint8Array
  /** The address of a NULL-terminated array of strings: argv, envp. */
  | { readonly strings: readonly string[] }
  /** A struct sock_fprog, and the address of it. */
  | { readonly filter: Uint8Array }
  /** The address of 8 writable bytes, first filled so; the same name is the same place. */
  | { readonly cell: string; readonly initial: Uint8Array };

/** One entry of a container's list. The kernel runs them in order, in the new process, with no code of ours between. */
export interface SystemCall {
  readonly call: CallName;
  readonly args: readonly Argument[];
  /** What it is for, in an error: "mount proc on /proc". */
  readonly what: string;
  /** Errnos after which the list goes on. */
  readonly tolerate?: readonly number[];
  /** How many entries to leave out when it succeeds. */
  readonly skip?: number;
  /** For clone: `skip` is for the parent, the child goes on with the next entry. */
  readonly onlyParentSkips?: boolean;
  /** Its answer becomes argument `argument` of the entry `ahead` places on. */
  readonly answerTo?: { readonly ahead: number; readonly argument: number };
}

export type Program = readonly SystemCall[];
