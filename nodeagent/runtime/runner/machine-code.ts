/** The assembled bytes of the .S files beside this one; machine-code.test.ts assembles those and compares. */
export interface MachineCode {
  /** Walks a list of system calls in a new process. */
  readonly runner: Uint8Array;
  /** Parent of a container. */
  readonly reaper: Uint8Array;
  /** First process of a shared PID namespace. */
  readonly init: Uint8Array;
}

export type Architecture = "arm64" | "x64";

export const MACHINE_CODE: Readonly<Record<Architecture, MachineCode>> = {
  x64: {
    runner: bytes(
      "534889f34889d6b8b30100000f054885c074025bc3488b034883f8ff7466488b7b08488b" +
        "7310488b53184c8b53204c8b43284c8b4b300f0548894358488b4b504885c97403488901" +
        "483d00f0ffff771d488b4b4048837b480074074885c0750231c9486bc960488d5c0b60eb" +
        "a848f7d84883f83f770e488b4b38480fa3c1730431c9ebdebf7f000000b8e70000000f05" +
        "f4",
    ),
    reaper: bytes(
      "4883ec20bfffffffff488d74240431d24531d2b83d0000000f054883f8fc74e44885c078" +
        "1e890424448b642404bf030000004889e6ba08000000b8010000000f05ebc1bf04000000" +
        "b8030000000f05bf050000004889e6ba0100000031c00f054883f8fc74e94489e7c1ef08" +
        "b8e70000000f05",
    ),
    init: bytes(
      "680000010031ff4889e631d241ba08000000b80e0000000f05bfffffffff31f6ba010000" +
        "004531d2b83d0000000f054885c07fe54889e731f631d241ba08000000b8800000000f05" +
        "ebcf",
    ),
  },
  arm64: {
    runner: bytes(
      "e90301aae10302aa683680d2010000d4400000b4c0035fd6280140f91f0500b180030054" +
        "208540a9228d41a9249542a9010000d4202d00f92a2940f94a0000b4400100f91ffc3fb1" +
        "420100542b2140f92a2540f96a0000b4400000b50b0080d20a0c80d269250a9b29810191" +
        "ebffff17e00300cb1ffc00f1c80000542a1d40f94a25c09a6a0000360b0080d2f5ffff17" +
        "e00f80d2c80b80d2010000d4000020d4",
    ),
    reaper: bytes(
      "ff8300d100008092e1130091020080d2030080d2882080d2010000d41f1000b120ffff54" +
        "2001f8b7e00300b9ec0740b9600080d2e1030091020180d2080880d2010000d4f0ffff17" +
        "800080d2280780d2010000d4a00080d2e1030091220080d2e80780d2010000d41f1000b1" +
        "40ffff54807d0853c80b80d2010000d4",
    ),
    init: bytes(
      "ff4300d12000a0d2e00300f9000080d2e1030091020080d2030180d2e81080d2010000d4" +
        "00008092010080d2220080d2030080d2882080d2010000d41f0000f12cffff54e0030091" +
        "010080d2020080d2030180d2281180d2010000d4f2ffff17",
    ),
  },
};

function bytes(hex: string): Uint8Array {
  return Buffer.from(hex, "hex");
}

const ELF_HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const LOAD_ADDRESS = 0x40_0000;
const ELF_MACHINE = { x64: 62, arm64: 183 } as const;

/** The smallest static executable: one segment, readable and executable, entered at its first instruction. See elf(5). */
export function staticElf(architecture: Architecture, code: Uint8Array): Uint8Array {
  const headers = ELF_HEADER_BYTES + PROGRAM_HEADER_BYTES;
  const elf = Buffer.alloc(headers + code.length);
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1], 0);
  elf.writeUInt16LE(2, 16); // ET_EXEC
  elf.writeUInt16LE(ELF_MACHINE[architecture], 18);
  elf.writeUInt32LE(1, 20);
  elf.writeBigUInt64LE(BigInt(LOAD_ADDRESS + headers), 24);
  elf.writeBigUInt64LE(BigInt(ELF_HEADER_BYTES), 32);
  elf.writeUInt16LE(ELF_HEADER_BYTES, 52);
  elf.writeUInt16LE(PROGRAM_HEADER_BYTES, 54);
  elf.writeUInt16LE(1, 56);
  const segment = ELF_HEADER_BYTES;
  elf.writeUInt32LE(1, segment); // PT_LOAD
  elf.writeUInt32LE(5, segment + 4); // readable, executable
  elf.writeBigUInt64LE(BigInt(LOAD_ADDRESS), segment + 16);
  elf.writeBigUInt64LE(BigInt(LOAD_ADDRESS), segment + 24);
  elf.writeBigUInt64LE(BigInt(elf.length), segment + 32);
  elf.writeBigUInt64LE(BigInt(elf.length), segment + 40);
  elf.writeBigUInt64LE(0x1000n, segment + 48);
  elf.set(code, headers);
  return elf;
}
