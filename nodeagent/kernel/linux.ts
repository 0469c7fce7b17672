import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { check } from "./check.ts";
import { dialTcp } from "./dial-tcp.ts";
import { F, MNT_DETACH, O, PR } from "./flags.ts";
import type { ExitStatus, Kernel, SpawnOptions } from "./kernel.ts";
import * as libc from "./libc.ts";
import { inNetwork, pin, pinNamespaces } from "./namespaces.ts";
import { transactNetlink } from "./netlink-socket.ts";
import { openFile, openPipe } from "./pipes.ts";
import { inPidNamespaceOf, Spawner } from "./spawn.ts";
import { hasCode, SyscallError } from "./syscall-error.ts";
import { openTerminal, resizeTerminal } from "./terminal.ts";

/** Of the generic table: the same numbers on x86-64 and arm64. */
const NR_PIDFD_OPEN = 434;
const NR_PIDFD_GETFD = 438;
const WNOHANG = 1;
/** Where signal(2)'s "default" and Node's inherited "ignore" matter: everything that is not for the kernel alone. */
const SIGNALS_MAX = 31;
const SIGKILL = 9;
const SIGSTOP = 19;

/** The real one. For `main.ts` files, `naru/` and tests as root. */
export function linuxKernel(): Kernel {
  if (process.arch !== "x64" && process.arch !== "arm64") {
    throw new Error(`no machine code for ${process.arch}; x64 and arm64 are supported`);
  }
  const spawner = new Spawner(process.arch);
  const ownPidNamespace = openFile("/proc/self/ns/pid", O.readOnly);
  return {
    readText: (path) => readFileSync(path, "utf8"),
    writeText: (path, text) => writeFileSync(path, text),
    makeDirectory: (path) => mkdirSync(path),
    removeDirectory: (path) => rmdirSync(path),
    list: (path) => readdirSync(path),

    mount({ source, target, type, flags, data }) {
      check("mount", libc.mount(source, target, type, flags, data ?? null), target);
    },
    unmount: (path) => void check("umount2", libc.umount2(path, MNT_DETACH), path),
    makeFifo: (path) => void check("mkfifo", libc.mkfifo(path, 0o600), path),
    pinNamespaces,
    pin,
    setHostname: (name) =>
      void check("sethostname", libc.sethostname(name, Buffer.byteLength(name)), name),
    inNetwork,

    spawn(program, options: SpawnOptions = {}) {
      const { namespaces, pidNamespaceOf } = options;
      const start = () => spawner.spawn(program, namespaces);
      if (pidNamespaceOf === undefined) return start();
      return inPidNamespaceOf(pidNamespaceOf, ownPidNamespace, start);
    },
    reap,
    signal,
    openProcess: (pid) =>
      check("pidfd_open", libc.syscall(NR_PIDFD_OPEN, pid, 0, 0, 0, 0), String(pid)),
    copyDescriptor: (process, descriptor) =>
      check("pidfd_getfd", libc.syscall(NR_PIDFD_GETFD, process, descriptor, 0, 0, 0)),
    closeDescriptor: (descriptor) => void libc.close(descriptor),

    pipe: openPipe,
    unreadBytes,
    setPipeSize: (descriptor, bytes) => void libc.fcntl(descriptor, F.setPipeSize, bytes),
    openBoth: (path) => openFile(path, O.readWrite),
    openReading: (path) => openFile(path, O.readOnly | O.nonBlock),
    openWriting: (path) => openFile(path, O.writeOnly | O.nonBlock),
    openTerminal,
    resizeTerminal,

    netlink: transactNetlink,
    nftables: nftablesRunner(),
    dialTcp,
    lockFile,
    hideMemory: () =>
      void check("prctl", libc.prctl(PR.setDumpable, 0, 0, 0, 0), "PR_SET_DUMPABLE"),
    replaceSelf,
  };
}

const NFTABLES_ABSENT = {
  ok: false,
  output: "",
  error: "libnftables.so.1 is not installed; Debian's package is libnftables1",
};

/** The library is loaded by the first who needs it: most processes never do. */
function nftablesRunner(): Kernel["nftables"] {
  let run: ReturnType<typeof libc.openNftables>;
  let isLoaded = false;
  return (commands) => {
    if (!isLoaded) run = libc.openNftables();
    isLoaded = true;
    if (run === undefined) return NFTABLES_ABSENT;
    const { output, error } = run(commands);
    return { ok: error === undefined, output, error: error ?? "" };
  };
}

const FIONREAD = 0x541b;

function unreadBytes(descriptor: number): number {
  const bytes = Buffer.alloc(4);
  check("ioctl", libc.ioctl(descriptor, FIONREAD, bytes), "FIONREAD");
  return bytes.readInt32LE(0);
}

const LOCK_EXCLUSIVE_NOW = 2 | 4;

function lockFile(path: string): boolean {
  const descriptor = openFile(path, O.readWrite | O.create);
  try {
    check("flock", libc.flock(descriptor, LOCK_EXCLUSIVE_NOW), path);
    return true;
  } catch (error) {
    libc.close(descriptor);
    if (hasCode(error, "EAGAIN")) return false;
    throw error;
  }
}

function reap(pid: number): ExitStatus | undefined {
  const status = Buffer.alloc(4);
  const ended = check("waitpid", libc.waitpid(pid, status, WNOHANG), String(pid));
  return ended === 0 ? undefined : { pid: ended, status: status.readInt32LE(0) };
}

function signal(pid: number, number: number): boolean {
  try {
    check("kill", libc.kill(pid, number), String(pid));
    return true;
  } catch (error) {
    if (hasCode(error, "ESRCH")) return false;
    throw error;
  }
}

function replaceSelf(path: string, args: readonly string[], env: readonly string[]): never {
  // Node ignores SIGPIPE, which would outlive execve; its standard streams would not.
  for (let number = 1; number <= SIGNALS_MAX; number++) {
    if (number !== SIGKILL && number !== SIGSTOP) libc.signal(number, 0);
  }
  for (let descriptor = 0; descriptor < 3; descriptor++) libc.fcntl(descriptor, F.setFd, 0);
  libc.execve(path, [...args, null], [...env, null]);
  throw new SyscallError("execve", libc.errno(), path);
}
