import type { Argument, Program, SystemCall } from "../system-call.ts";
import type { Architecture } from "./machine-code.ts";
import { callNumber } from "./numbers.ts";

/** The record that x64.S and arm64.S walk; its layout is written there. */
const RECORD_BYTES = 96;
const ARGUMENTS_AT = 8;
const TOLERATED_AT = 56;
const SKIP_AT = 64;
const ONLY_PARENT_AT = 72;
const OUT_AT = 80;
const ANSWER_AT = 88;

/** No system call answers this. */
const NOT_RUN = 0x7fff_ffff_ffff_ffffn;
const NOT_RUN_WORD = { low: 0xffff_ffff, high: 0x7fff_ffff } as const;
const ERRNO_MAX = 4095n;

/** A program laid out in memory that the new process shares with us. */
export interface Arena {
  readonly memory: Buffer;
  readonly program: Program;
}

/** Lays a program out. `memoryAt` gives the address of the memory that `allocate` gave. */
export function encodeProgram(
  program: Program,
  architecture: Architecture,
  allocate: (bytes: number) => { memory: Buffer; address: number },
): Arena {
  const { memory, address } = allocate(sizeOf(program));
  const writer = new Writer(memory, address, (program.length + 1) * RECORD_BYTES);
  program.forEach((entry, index) => {
    const at = index * RECORD_BYTES;
    writer.word(at, callNumber(architecture, entry.call));
    for (let i = 0; i < 6; i++) {
      writer.word(at + ARGUMENTS_AT + 8 * i, writer.argument(entry.args[i] ?? 0));
    }
    writer.errnos(at + TOLERATED_AT, entry.tolerate ?? []);
    writer.word(at + SKIP_AT, entry.skip ?? 0);
    writer.word(at + ONLY_PARENT_AT, entry.onlyParentSkips === true ? 1 : 0);
    writer.word(at + OUT_AT, outAddress(entry, index, address));
    writer.halves(at + ANSWER_AT, NOT_RUN_WORD.low, NOT_RUN_WORD.high);
  });
  writer.word(program.length * RECORD_BYTES, -1);
  return { memory, program };
}

export interface CallFailure {
  readonly entry: SystemCall;
  readonly errno: number;
}

/** The entry that ended the walk, if one did. Tolerated failures are told apart by `tolerated`. */
export function failureOf(arena: Arena): CallFailure | undefined {
  const all = failures(arena);
  const end = all.find(({ entry, errno }) => entry.tolerate?.includes(errno) !== true);
  // execvp's rule: "may not be executed" says more than "not in the last directory of PATH".
  if (end?.entry.call !== "execve") return end;
  return all.find(({ entry, errno }) => entry.call === "execve" && errno === EACCES) ?? end;
}

const EACCES = 13;

/** Entries that failed and were passed over. */
export function toleratedFailures(arena: Arena): readonly CallFailure[] {
  return failures(arena).filter(({ entry, errno }) => entry.tolerate?.includes(errno) === true);
}

/** What an entry's call answered; undefined when it was not run. */
export function answerOf(arena: Arena, index: number): number | undefined {
  const answer = arena.memory.readBigInt64LE(index * RECORD_BYTES + ANSWER_AT);
  return answer === NOT_RUN ? undefined : Number(answer);
}

function failures(arena: Arena): readonly CallFailure[] {
  const failed: CallFailure[] = [];
  arena.program.forEach((entry, index) => {
    const answer = arena.memory.readBigInt64LE(index * RECORD_BYTES + ANSWER_AT);
    if (answer < 0n && answer >= -ERRNO_MAX) failed.push({ entry, errno: Number(-answer) });
  });
  return failed;
}

function outAddress(entry: SystemCall, index: number, base: number): number {
  if (entry.answerTo === undefined) return 0;
  const { ahead, argument } = entry.answerTo;
  return base + (index + ahead) * RECORD_BYTES + ARGUMENTS_AT + 8 * argument;
}

function sizeOf(program: Program): number {
  let bytes = (program.length + 1) * RECORD_BYTES;
  for (const entry of program) for (const argument of entry.args) bytes += sizeOfArgument(argument);
  return bytes;
}

/** With room for alignment. */
function sizeOfArgument(argument: Argument): number {
  if (typeof argument === "number") return 0;
  // A character takes 3 bytes at most, and asking for the number takes longer than not using them.
  if (typeof argument === "string") return 3 * argument.length + 1;
  if (argument instanceof Uint8Array) return argument.length + 16;
  if ("filter" in argument) return argument.filter.length + 48;
  if ("cell" in argument) return 32;
  return argument.strings.reduce((sum, text) => sum + 3 * text.length + 9, 32);
}

class Writer {
  readonly #memory: Buffer;
  /** The same memory; both architectures are little endian. */
  readonly #words: Uint32Array;
  readonly #base: number;
  readonly #known = new Map<Argument | string, number>();
  #next: number;

  constructor(memory: Buffer, base: number, start: number) {
    this.#memory = memory;
    this.#words = new Uint32Array(memory.buffer, memory.byteOffset, Math.floor(memory.length / 4));
    this.#base = base;
    this.#next = start;
  }

  word(at: number, value: number): void {
    this.halves(at, value >>> 0, Math.floor(value / 0x1_0000_0000));
  }

  halves(at: number, low: number, high: number): void {
    this.#words[at / 4] = low;
    this.#words[at / 4 + 1] = high;
  }

  /** A bit for each. */
  errnos(at: number, errnos: readonly number[]): void {
    let low = 0;
    let high = 0;
    for (const errno of errnos) {
      if (errno < 32) low |= 1 << errno;
      else high |= 1 << (errno - 32);
    }
    this.halves(at, low, high);
  }

  argument(argument: Argument): number {
    if (typeof argument === "number") return argument;
    const key =
      typeof argument === "object" && "cell" in argument ? `\0${argument.cell}` : argument;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const address = this.#place(argument);
    this.#known.set(key, address);
    return address;
  }

  #place(argument: Exclude<Argument, number>): number {
    if (typeof argument === "string") return this.#string(argument);
    if (argument instanceof Uint8Array) return this.#bytes(argument);
    if ("filter" in argument) return this.#filter(argument.filter);
    if ("cell" in argument) return this.#bytes(argument.initial);
    const addresses = argument.strings.map((text) => this.argument(text));
    const array = Buffer.alloc(8 * (addresses.length + 1));
    addresses.forEach((address, i) => {
      array.writeBigUInt64LE(BigInt(address), 8 * i);
    });
    return this.#bytes(array);
  }

  #string(text: string): number {
    const at = this.#next;
    const length = this.#memory.write(text, at);
    this.#memory[at + length] = 0;
    this.#next += length + 1;
    return this.#base + at;
  }

  #bytes(bytes: Uint8Array): number {
    const at = (this.#next + 15) & ~15;
    this.#memory.set(bytes, at);
    this.#next = at + bytes.length;
    return this.#base + at;
  }

  /** struct sock_fprog { unsigned short len; struct sock_filter *filter; } */
  #filter(instructions: Uint8Array): number {
    const struct = Buffer.alloc(16);
    struct.writeUInt16LE(instructions.length / 8, 0);
    struct.writeBigUInt64LE(BigInt(this.#bytes(instructions)), 8);
    return this.#bytes(struct);
  }
}
