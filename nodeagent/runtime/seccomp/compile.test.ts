import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DEFAULT_CAPABILITIES } from "../capabilities.ts";
import { compileSeccomp, type Instruction, seccompInstructions } from "./compile.ts";
import { DEFAULT_PROFILE } from "./default-profile.ts";
import { parseOciProfile } from "./oci-profile.ts";
import type { ArgumentCondition, SeccompProfile } from "./profile.ts";
import { syscallTable } from "./syscall-table.ts";

const X64 = 0xc000_003e;
const I386 = 0x4000_0003;
const ALLOWED = 0x7fff_0000;
const EPERM = 0x5_0001;

interface Call {
  readonly arch: number;
  readonly nr: number;
  readonly args?: readonly bigint[];
}

type Compare = (accumulator: number, value: number) => boolean;

const JUMPS: ReadonlyMap<number, Compare> = new Map<number, Compare>([
  [0x15, (accumulator, value) => accumulator === value],
  [0x25, (accumulator, value) => accumulator > value],
  [0x35, (accumulator, value) => accumulator >= value],
]);

/** The kernel's interpreter, as far as our instructions go. */
function run(code: readonly Instruction[], call: Call): number {
  let accumulator = 0;
  for (let pc = 0; pc < code.length; pc++) {
    const at = code[pc];
    if (at === undefined) break;
    if (at.code === 0x06) return at.value >>> 0;
    if (at.code === 0x20) accumulator = load(call, at.value);
    if (at.code === 0x54) accumulator = (accumulator & at.value) >>> 0;
    pc += jumped(at, accumulator);
  }
  throw new Error("fell off the end");
}

function jumped(at: Instruction, accumulator: number): number {
  if (at.code === 0x05) return at.value;
  const compare = JUMPS.get(at.code);
  if (compare === undefined) return 0;
  return compare(accumulator, at.value) ? at.jumpTrue : at.jumpFalse;
}

/** struct seccomp_data */
function load(call: Call, at: number): number {
  if (at === 0) return call.nr;
  if (at === 4) return call.arch;
  const word = call.args?.[(at - 16) >> 3] ?? 0n;
  return Number((at % 8 === 0 ? word : word >> 32n) & 0xffff_ffffn);
}

const capabilities = new Set(DEFAULT_CAPABILITIES);
const table = syscallTable("x64");
const number = (name: string): number => table.get(name) ?? -1;

test("the default profile allows and denies by name", () => {
  const code = seccompInstructions(DEFAULT_PROFILE, "x64", capabilities);
  const cases: [string, bigint[], number][] = [
    ["read", [], ALLOWED],
    ["openat2", [], ALLOWED],
    ["chroot", [], ALLOWED],
    ["mount", [], EPERM],
    ["bpf", [], EPERM],
    ["io_uring_setup", [], EPERM],
    ["keyctl", [], EPERM],
    ["unshare", [], EPERM],
    ["clone3", [], 0x5_0000 + 38],
    ["clone", [0x11n], ALLOWED],
    ["clone", [0x1000_0011n], EPERM],
    ["socket", [2n], ALLOWED],
    ["socket", [40n], EPERM],
    ["personality", [8n], ALLOWED],
    ["personality", [0x4_0000n], EPERM],
    ["personality", [0x1_0000_0000n], EPERM],
  ];
  for (const [name, args, expected] of cases) {
    assert.equal(run(code, { arch: X64, nr: number(name), args }), expected, `${name} ${args}`);
  }
  assert.equal(run(code, { arch: X64, nr: 0x4000_0000 }), EPERM, "x32");
  assert.equal(run(code, { arch: I386, nr: 3 }), ALLOWED, "i386 read");
  assert.equal(run(code, { arch: 0x1234, nr: 0 }), 0x8000_0000, "unknown architecture");
  assert.ok(code.length < 600, `${code.length} instructions`);
});

test("the default profile gives CAP_SYS_ADMIN its calls", () => {
  const code = seccompInstructions(DEFAULT_PROFILE, "x64", new Set(["CAP_SYS_ADMIN"]));
  for (const name of ["mount", "clone3", "unshare", "clone"]) {
    assert.equal(run(code, { arch: X64, nr: number(name), args: [0x1000_0000n] }), ALLOWED, name);
  }
  assert.equal(run(code, { arch: X64, nr: number("reboot") }), EPERM);
});

test("compileSeccomp() makes eight bytes an instruction, and arm64 its own", () => {
  const bytes = compileSeccomp(DEFAULT_PROFILE, "arm64", capabilities);
  assert.equal(bytes.length % 8, 0);
  const code = seccompInstructions(DEFAULT_PROFILE, "arm64", capabilities);
  assert.equal(run(code, { arch: 0xc000_00b7, nr: 63 }), ALLOWED);
  assert.equal(run(code, { arch: X64, nr: 0 }), 0x8000_0000);
});

const compares: ArgumentCondition["compare"][] = [
  "equal",
  "notEqual",
  "less",
  "lessOrEqual",
  "greater",
  "greaterOrEqual",
  "maskedEqual",
];

function holds(condition: ArgumentCondition, argument: bigint): boolean {
  const { value } = condition;
  switch (condition.compare) {
    case "equal":
      return argument === value;
    case "notEqual":
      return argument !== value;
    case "less":
      return argument < value;
    case "lessOrEqual":
      return argument <= value;
    case "greater":
      return argument > value;
    case "greaterOrEqual":
      return argument >= value;
    case "maskedEqual":
      return (argument & (condition.mask ?? 0n)) === value;
  }
}

test("seccompInstructions() decides as the rules read one by one do", () => {
  const word = fc.oneof(fc.bigInt(0n, 3n), fc.bigInt(0n, (1n << 64n) - 1n));
  const condition = fc.record({
    index: fc.nat(5),
    compare: fc.constantFrom(...compares),
    value: word,
    mask: word,
  });
  const action = fc.constantFrom(
    { do: "allow" } as const,
    { do: "errno", errno: 7 } as const,
    { do: "log" } as const,
  );
  const names = [...table.keys()];
  const rule = fc.record({
    calls: fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 60 }),
    action,
    when: fc.array(condition, { maxLength: 3 }),
  });
  fc.assert(
    fc.property(
      fc.array(rule, { maxLength: 12 }),
      fc.constantFrom(...names),
      fc.array(word, { minLength: 6, maxLength: 6 }),
      (rules, name, args) => {
        const profile: SeccompProfile = { defaultAction: { do: "errno", errno: 1 }, rules };
        const code = seccompInstructions(profile, "x64", new Set());
        const first = rules.find(
          ({ calls, when }) =>
            calls.includes(name) && when.every((one) => holds(one, args[one.index] ?? 0n)),
        );
        const values = { allow: ALLOWED, errno: 0x5_0007, log: 0x7ffc_0000 };
        const expected = first === undefined ? EPERM : values[first.action.do];
        assert.equal(run(code, { arch: X64, nr: number(name), args }), expected);
      },
    ),
    { numRuns: 200 },
  );
});

test("parseOciProfile() reads Docker's form", () => {
  const profile = parseOciProfile(
    JSON.stringify({
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [
        { names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 13 },
        {
          names: ["socket"],
          action: "SCMP_ACT_KILL",
          args: [{ index: 0, value: 16, op: "SCMP_CMP_EQ" }],
        },
      ],
    }),
  );
  const code = seccompInstructions(profile, "x64", new Set());
  assert.equal(run(code, { arch: X64, nr: number("mkdir") }), 0x5_000d);
  assert.equal(run(code, { arch: X64, nr: number("socket"), args: [16n] }), 0x8000_0000);
  assert.equal(run(code, { arch: X64, nr: number("socket"), args: [2n] }), ALLOWED);
  assert.throws(() => parseOciProfile('{"defaultAction":"SCMP_ACT_MAYBE"}'), /SCMP_ACT_MAYBE/);
});
