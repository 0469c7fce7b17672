import { check } from "./check.ts";
import { O, RESOLVE, TIOC } from "./flags.ts";
import type { TerminalPair } from "./kernel.ts";
import * as libc from "./libc.ts";
import { openFile } from "./pipes.ts";
import { hasCode } from "./syscall-error.ts";

/** Of the generic table: the same number on x86-64 and arm64. */
const NR_OPENAT2 = 437;
const OPEN_HOW_BYTES = 24;

/** See `Kernel.openTerminal`. */
export function openTerminal(containerPid: number | undefined): TerminalPair {
  const own = containerPid === undefined ? undefined : openContainerMultiplexer(containerPid);
  const master = own ?? openFile("/dev/ptmx", O.readWrite | O.noCtty);
  try {
    check("ioctl", libc.ioctl(master, TIOC.setPtyLock, Buffer.alloc(4)), "TIOCSPTLCK");
    const flags = O.readWrite | O.noCtty | O.cloexec;
    const slave = check("ioctl", libc.ioctlNumber(master, TIOC.getPtyPeer, flags), "TIOCGPTPEER");
    return { master, slave, hostPath: own === undefined ? hostPathOf(master) : undefined };
  } catch (error) {
    libc.close(master);
    throw error;
  }
}

/** Undefined when the image has no devpts of its own. */
function openContainerMultiplexer(pid: number): number | undefined {
  const root = openFile(`/proc/${pid}/root`, O.path);
  try {
    // The container may have put anything there: no link may lead out of its root, and opening must not wait.
    const how = Buffer.alloc(OPEN_HOW_BYTES);
    const flags = O.readWrite | O.noCtty | O.cloexec | O.nonBlock;
    how.writeBigUInt64LE(BigInt(flags), 0);
    how.writeBigUInt64LE(BigInt(RESOLVE.inRoot | RESOLVE.noMagicLinks | RESOLVE.noSymlinks), 16);
    const path = Buffer.from("dev/pts/ptmx\0");
    const args = [libc.addressOf(path), libc.addressOf(how), OPEN_HOW_BYTES] as const;
    return check("openat2", libc.syscall(NR_OPENAT2, root, ...args, 0), "dev/pts/ptmx");
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR", "ELOOP", "ENXIO", "EACCES")) return undefined;
    throw error;
  } finally {
    libc.close(root);
  }
}

function hostPathOf(master: number): string {
  const number = Buffer.alloc(4);
  check("ioctl", libc.ioctl(master, TIOC.getPtyNumber, number), "TIOCGPTN");
  return `/dev/pts/${number.readUInt32LE(0)}`;
}

export function resizeTerminal(master: number, width: number, height: number): void {
  const size = Buffer.alloc(8);
  size.writeUInt16LE(height, 0);
  size.writeUInt16LE(width, 2);
  check("ioctl", libc.ioctl(master, TIOC.setWindowSize, size), "TIOCSWINSZ");
}

/** asm-generic/termbits.h: struct termios is four words of flags, a byte, and 19 control characters. */
const TERMIOS_BYTES = 36;
const IFLAG_OFF = 0o2753; // IGNBRK BRKINT PARMRK ISTRIP INLCR IGNCR ICRNL IXON
const OFLAG_OFF = 0o1; // OPOST
const LFLAG_OFF = 0o100_113; // ISIG ICANON ECHO ECHONL IEXTEN
const CFLAG_OFF = 0o460; // CSIZE PARENB
const CFLAG_ON = 0o60; // CS8
const VTIME_AT = 17 + 5;
const VMIN_AT = 17 + 6;

/** As cfmakeraw(3), which Node's own raw mode is not: that turns each line feed into two characters. Answers what undoes it. */
export function makeRaw(descriptor: number): () => void {
  const before = Buffer.alloc(TERMIOS_BYTES);
  check("ioctl", libc.ioctl(descriptor, TIOC.getAttributes, before), "TCGETS");
  const raw = Buffer.from(before);
  const change = (at: number, off: number, on = 0): void =>
    void raw.writeUInt32LE(((before.readUInt32LE(at) & ~off) | on) >>> 0, at);
  change(0, IFLAG_OFF);
  change(4, OFLAG_OFF);
  change(8, CFLAG_OFF, CFLAG_ON);
  change(12, LFLAG_OFF);
  raw[VTIME_AT] = 0;
  raw[VMIN_AT] = 1;
  check("ioctl", libc.ioctl(descriptor, TIOC.setAttributes, raw), "TCSETS");
  return () => void libc.ioctl(descriptor, TIOC.setAttributes, before);
}
