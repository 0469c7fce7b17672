import type { Architecture } from "../runner/machine-code.ts";
import {
  type ArgumentCondition,
  rulesFor,
  type SeccompAction,
  type SeccompProfile,
  type SeccompRule,
} from "./profile.ts";
import { type SyscallAbi, syscallTable } from "./syscall-table.ts";

/** One classic BPF instruction. Jumps count the instructions to leave out. */
export interface Instruction {
  readonly code: number;
  readonly jumpTrue: number;
  readonly jumpFalse: number;
  readonly value: number;
}

/** linux/bpf_common.h */
const LOAD = 0x20;
const JUMP = 0x05;
const JUMP_EQUAL = 0x15;
const JUMP_GREATER = 0x25;
const JUMP_GREATER_OR_EQUAL = 0x35;
const AND = 0x54;
const RETURN = 0x06;

/** struct seccomp_data */
const NUMBER_AT = 0;
const ARCHITECTURE_AT = 4;
const ARGUMENTS_AT = 16;

/** linux/audit.h */
const AUDIT_ARCH: Readonly<Record<SyscallAbi, number>> = {
  x64: 0xc000_003e,
  i386: 0x4000_0003,
  arm64: 0xc000_00b7,
};

const ABIS: Readonly<Record<Architecture, readonly SyscallAbi[]>> = {
  x64: ["x64", "i386"],
  arm64: ["arm64"],
};

/** x32 numbers have this bit: another ABI of the same architecture, which nobody uses. */
const X32_BIT = 0x4000_0000;

/** linux/filter.h: a program may have no more. */
const INSTRUCTIONS_MAX = 4096;
/** A conditional jump's reach. */
const JUMP_MAX = 255;
const INSTRUCTION_BYTES = 8;

/** A profile as the filter that seccomp(2) takes, for a container with these capabilities. */
export function compileSeccomp(
  profile: SeccompProfile,
  architecture: Architecture,
  capabilities: ReadonlySet<string>,
): Uint8Array {
  return encode(seccompInstructions(profile, architecture, capabilities));
}

export function seccompInstructions(
  profile: SeccompProfile,
  architecture: Architecture,
  capabilities: ReadonlySet<string>,
): readonly Instruction[] {
  const rules = rulesFor(profile, capabilities);
  const code: Instruction[] = [load(ARCHITECTURE_AT)];
  for (const abi of ABIS[architecture]) {
    const body = abiInstructions(rules, profile.defaultAction, abi);
    code.push(...choose(JUMP_EQUAL, AUDIT_ARCH[abi], body, []));
  }
  // An ABI that no rule was written for.
  code.push(give({ do: "kill" }));
  if (code.length > INSTRUCTIONS_MAX) {
    throw new RangeError(
      `seccomp profile: ${code.length} instructions, of ${INSTRUCTIONS_MAX} at most`,
    );
  }
  return code;
}

function abiInstructions(
  rules: readonly SeccompRule[],
  otherwise: SeccompAction,
  abi: SyscallAbi,
): readonly Instruction[] {
  const byNumber = rulesByNumber(rules, abi);
  const tree = search(ranges(byNumber, otherwise));
  const code = [load(NUMBER_AT)];
  if (abi === "x64") code.push(...choose(JUMP_GREATER_OR_EQUAL, X32_BIT, [give(otherwise)], []));
  return [...code, ...tree];
}

function rulesByNumber(
  rules: readonly SeccompRule[],
  abi: SyscallAbi,
): ReadonlyMap<number, readonly SeccompRule[]> {
  const table = syscallTable(abi);
  const found = new Map<number, SeccompRule[]>();
  for (const rule of rules) {
    for (const name of rule.calls) {
      const number = table.get(name);
      if (number === undefined) continue; // Another architecture's call.
      const list = found.get(number);
      if (list === undefined) found.set(number, [rule]);
      else list.push(rule);
    }
  }
  return found;
}

/** From `first` up to the next range's first, all calls get this code. */
interface Range {
  readonly first: number;
  readonly code: readonly Instruction[];
}

function ranges(
  byNumber: ReadonlyMap<number, readonly SeccompRule[]>,
  otherwise: SeccompAction,
): readonly Range[] {
  const denied = [give(otherwise)];
  const list: Range[] = [];
  const push = (first: number, code: readonly Instruction[]): void => {
    const last = list.at(-1);
    if (last === undefined || !sameCode(last.code, code)) list.push({ first, code });
  };
  push(0, denied);
  for (const number of [...byNumber.keys()].toSorted((a, b) => a - b)) {
    push(number, callInstructions(byNumber.get(number) ?? [], otherwise));
    if (!byNumber.has(number + 1)) push(number + 1, denied);
  }
  // A range that the next one replaces at once has no numbers in it.
  return list.filter((range, i) => list[i + 1]?.first !== range.first);
}

/** A binary search by number: about seven comparisons instead of three hundred. */
function search(list: readonly Range[]): readonly Instruction[] {
  const [only] = list;
  if (only === undefined) throw new RangeError("seccomp: no range");
  if (list.length === 1) return only.code;
  const middle = list.length >> 1;
  const pivot = list[middle]?.first ?? 0;
  return choose(
    JUMP_GREATER_OR_EQUAL,
    pivot,
    search(list.slice(middle)),
    search(list.slice(0, middle)),
  );
}

/** The rules of one call, in order: each is left at its end when one of its conditions does not hold. */
function callInstructions(
  rules: readonly SeccompRule[],
  otherwise: SeccompAction,
): readonly Instruction[] {
  const code = rules.flatMap(({ when, action }) => {
    const guarded = [give(action)];
    for (const condition of (when ?? []).toReversed()) {
      guarded.unshift(...guard(condition, guarded.length));
    }
    return guarded;
  });
  return [...code, give(otherwise)];
}

/**
 * Lets the next `length` instructions be run only if the condition holds. Classic BPF compares 32 bits, so each
 * argument is looked at in two halves, the high one first.
 */
function guard(condition: ArgumentCondition, length: number): readonly Instruction[] {
  const mask = condition.compare === "maskedEqual" ? condition.mask : undefined;
  const at = ARGUMENTS_AT + 8 * condition.index;
  const low = lowWord(condition.value);
  const high = highWord(condition.value);
  const loadLow = mask === undefined ? [load(at)] : [load(at), and(lowWord(mask))];
  const loadHigh = mask === undefined ? [load(at + 4)] : [load(at + 4), and(highWord(mask))];
  const rest = loadLow.length + 1;
  const less = (lowJump: number): readonly Instruction[] => [
    ...loadHigh,
    jump(JUMP_GREATER, high, rest + 1 + length, 0),
    jump(JUMP_EQUAL, high, 0, rest),
    ...loadLow,
    jump(lowJump, low, length, 0),
  ];
  const greater = (lowJump: number): readonly Instruction[] => [
    ...loadHigh,
    jump(JUMP_GREATER, high, rest + 1, 0),
    jump(JUMP_EQUAL, high, 0, rest + length),
    ...loadLow,
    jump(lowJump, low, 0, length),
  ];
  const equal = [
    ...loadHigh,
    jump(JUMP_EQUAL, high, 0, rest + length),
    ...loadLow,
    jump(JUMP_EQUAL, low, 0, length),
  ];
  const notEqual = [
    ...loadHigh,
    jump(JUMP_EQUAL, high, 0, rest),
    ...loadLow,
    jump(JUMP_EQUAL, low, length, 0),
  ];
  return {
    equal,
    maskedEqual: equal,
    notEqual,
    greater: greater(JUMP_GREATER),
    greaterOrEqual: greater(JUMP_GREATER_OR_EQUAL),
    less: less(JUMP_GREATER_OR_EQUAL),
    lessOrEqual: less(JUMP_GREATER),
  }[condition.compare];
}

/** Each rule has six arguments at most, so no jump within one is longer than a conditional jump's reach. */
function jump(code: number, value: number, jumpTrue: number, jumpFalse: number): Instruction {
  if (jumpTrue > JUMP_MAX || jumpFalse > JUMP_MAX) {
    throw new RangeError("seccomp profile: a rule with too many conditions");
  }
  return { code, jumpTrue, jumpFalse, value };
}

function lowWord(value: bigint): number {
  return Number(value & 0xffff_ffffn);
}

function highWord(value: bigint): number {
  return Number((value >> 32n) & 0xffff_ffffn);
}

/** if (accumulator <jump> value) yes else no. An empty `no` is what comes after; else both end in returns. */
function choose(
  jump: number,
  value: number,
  yes: readonly Instruction[],
  no: readonly Instruction[],
): readonly Instruction[] {
  if (no.length === 0 && yes.length <= JUMP_MAX) {
    return [{ code: jump, jumpTrue: 0, jumpFalse: yes.length, value }, ...yes];
  }
  if (no.length > 0 && no.length <= JUMP_MAX) {
    return [{ code: jump, jumpTrue: no.length, jumpFalse: 0, value }, ...no, ...yes];
  }
  // Too far for a conditional jump. True: over the long jump; false: onto it.
  const over = { code: JUMP, jumpTrue: 0, jumpFalse: 0, value: yes.length };
  return [{ code: jump, jumpTrue: 1, jumpFalse: 0, value }, over, ...yes, ...no];
}

function load(offset: number): Instruction {
  return { code: LOAD, jumpTrue: 0, jumpFalse: 0, value: offset };
}

function and(mask: number): Instruction {
  return { code: AND, jumpTrue: 0, jumpFalse: 0, value: mask };
}

/** linux/seccomp.h */
function give(action: SeccompAction): Instruction {
  const value = {
    allow: 0x7fff_0000,
    errno: 0x0005_0000,
    kill: 0x8000_0000,
    log: 0x7ffc_0000,
    trap: 0x0003_0000,
  }[action.do];
  const data = action.do === "errno" ? action.errno : 0;
  return { code: RETURN, jumpTrue: 0, jumpFalse: 0, value: value + data };
}

function sameCode(a: readonly Instruction[], b: readonly Instruction[]): boolean {
  return a.length === b.length && a.every((instruction, i) => same(instruction, b[i]));
}

function same(a: Instruction, b: Instruction | undefined): boolean {
  return (
    a.code === b?.code &&
    a.jumpTrue === b.jumpTrue &&
    a.jumpFalse === b.jumpFalse &&
    a.value === b.value
  );
}

/** struct sock_filter[] */
function encode(code: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(INSTRUCTION_BYTES * code.length);
  code.forEach((instruction, i) => {
    const at = INSTRUCTION_BYTES * i;
    bytes.writeUInt16LE(instruction.code, at);
    bytes[at + 2] = instruction.jumpTrue;
    bytes[at + 3] = instruction.jumpFalse;
    bytes.writeUInt32LE(instruction.value >>> 0, at + 4);
  });
  return bytes;
}
