/** The only file that knows which FFI library we use. Everything above speaks the Kernel interface. */
import koffi from "koffi";

const libc = koffi.load("libc.so.6");

/** A pointer-sized argument: a number, or memory that lives at least as long as the call. */
type Word = bigint | number;

export const mount = libc.func(
  "int mount(str source, str target, str type, ulong flags, str data)",
) as (
  source: string | null,
  target: string,
  type: string | null,
  flags: number,
  data: string | null,
) => number;
export const umount2 = libc.func("int umount2(str target, int flags)") as (
  target: string,
  flags: number,
) => number;
export const unshare = libc.func("int unshare(int flags)") as (flags: number) => number;
export const setns = libc.func("int setns(int fd, int type)") as (
  fd: number,
  type: number,
) => number;
export const sethostname = libc.func("int sethostname(str name, size_t length)") as (
  name: string,
  length: number,
) => number;
export const mkfifo = libc.func("int mkfifo(str path, uint mode)") as (
  path: string,
  mode: number,
) => number;
export const open = libc.func("int open(str path, int flags, uint mode)") as (
  path: string,
  flags: number,
  mode: number,
) => number;
export const close = libc.func("int close(int fd)") as (fd: number) => number;
export const pipe2 = libc.func("int pipe2(void *fds, int flags)") as (
  fds: Uint8Array,
  flags: number,
) => number;
export const fcntl = libc.func("int fcntl(int fd, int command, long argument)") as (
  fd: number,
  command: number,
  argument: number,
) => number;
export const ioctl = libc.func("int ioctl(int fd, ulong request, void *argument)") as (
  fd: number,
  request: number,
  argument: Uint8Array,
) => number;
export const ioctlNumber = libc.func("int ioctl(int fd, ulong request, long argument)") as (
  fd: number,
  request: number,
  argument: number,
) => number;
export const kill = libc.func("int kill(int pid, int signal)") as (
  pid: number,
  signal: number,
) => number;
export const waitpid = libc.func("int waitpid(int pid, void *status, int options)") as (
  pid: number,
  status: Uint8Array,
  options: number,
) => number;
export const prctl = libc.func("int prctl(int option, ulong a, ulong b, ulong c, ulong d)") as (
  option: number,
  a: number,
  b: number,
  c: number,
  d: number,
) => number;
export const sigprocmask = libc.func("int sigprocmask(int how, void *set, void *old)") as (
  how: number,
  set: Uint8Array,
  old: Uint8Array | null,
) => number;
export const signal = libc.func("intptr_t signal(int signal, intptr_t handler)") as (
  signal: number,
  handler: number,
) => Word;
export const execve = libc.func("int execve(str path, str *argv, str *envp)") as (
  path: string,
  argv: readonly (string | null)[],
  envp: readonly (string | null)[],
) => number;
export const execveat = libc.func(
  "int execveat(int fd, str path, str *argv, str *envp, int flags)",
) as (
  fd: number,
  path: string,
  argv: readonly (string | null)[],
  envp: readonly (string | null)[],
  flags: number,
) => number;
export const socket = libc.func("int socket(int domain, int type, int protocol)") as (
  domain: number,
  type: number,
  protocol: number,
) => number;
export const bind = libc.func("int bind(int fd, void *address, uint length)") as (
  fd: number,
  address: Uint8Array,
  length: number,
) => number;
export const connect = libc.func("int connect(int fd, void *address, uint length)") as (
  fd: number,
  address: Uint8Array,
  length: number,
) => number;
export const send = libc.func("long send(int fd, void *data, size_t length, int flags)") as (
  fd: number,
  data: Uint8Array,
  length: number,
  flags: number,
) => number;
export const sendmsg = libc.func("long sendmsg(int fd, void *message, int flags)") as (
  fd: number,
  message: Uint8Array,
  flags: number,
) => number;
export const recv = libc.func("long recv(int fd, void *data, size_t length, int flags)") as (
  fd: number,
  data: Uint8Array,
  length: number,
  flags: number,
) => number;
export const poll = libc.func("int poll(void *fds, ulong count, int timeout)") as (
  fds: Uint8Array,
  count: number,
  timeoutMs: number,
) => number;
export const flock = libc.func("int flock(int fd, int operation)") as (
  fd: number,
  operation: number,
) => number;
export const exitNow = libc.func("void _exit(int code)") as (code: number) => void;
/** For calls that libc does not wrap. All arguments are integers; see `addressOf` for memory. */
export const syscall = libc.func(
  "long syscall(long nr, long a, long b, long c, long d, long e)",
) as (nr: number, a: Word, b: Word, c: Word, d: Word, e: Word) => number;

const mmap = libc.func(
  "intptr_t mmap(uintptr_t at, size_t size, int protection, int flags, int fd, long offset)",
) as (
  at: Word,
  size: number,
  protection: number,
  flags: number,
  fd: number,
  offset: number,
) => Word;
const mprotect = libc.func("int mprotect(uintptr_t at, size_t size, int protection)") as (
  at: Word,
  size: number,
  protection: number,
) => number;
const memcpy = libc.func("uintptr_t memcpy(uintptr_t to, void *from, size_t size)") as (
  to: Word,
  from: Uint8Array,
  size: number,
) => Word;

/** Must be read before any other call into libc: the next one overwrites it. */
export function errno(): number {
  return koffi.errno();
}

/** Where the bytes are. Holding the number does not keep them alive: hold the array too. */
export function addressOf(memory: Uint8Array): number {
  return Number(koffi.address(memory));
}

const PROTECTION = { read: 1, write: 2, execute: 4 } as const;
const MAP_PRIVATE_ANONYMOUS = 0x22;

/** Memory outside V8's heap, zeroed, never given back. */
export function allocatePages(bytes: number): number {
  const at = mmap(0, bytes, PROTECTION.read | PROTECTION.write, MAP_PRIVATE_ANONYMOUS, -1, 0);
  if (Number(at) === -1) throw new Error(`mmap of ${bytes} bytes: errno ${errno()}`);
  return Number(at);
}

/** Machine code made callable as `long f(void *, void *, size_t)`. The page is never writable and executable at once. */
export function loadMachineCode(
  code: Uint8Array,
): (a: Uint8Array, b: Uint8Array, c: number) => number {
  const at = allocatePages(4096);
  memcpy(at, code, code.length);
  if (mprotect(at, 4096, PROTECTION.read | PROTECTION.execute) === -1) {
    throw new Error(`mprotect of machine code: errno ${errno()}; is execmem forbidden here?`);
  }
  const prototype = koffi.proto("long (void *a, void *b, size_t c)");
  return (a, b, c) => Number(koffi.call(BigInt(at), prototype, a, b, c));
}

/** What nft would print: its output, and undefined or its error. */
export interface NftablesAnswer {
  readonly output: string;
  readonly error: string | undefined;
}

/** libnftables, loaded when first needed: only nodes that serve a network have it. */
export function openNftables(): ((commands: string) => NftablesAnswer) | undefined {
  let library: ReturnType<typeof koffi.load>;
  try {
    library = koffi.load("libnftables.so.1");
  } catch {
    return undefined; // Not installed: the caller says which package brings it.
  }
  const make = library.func("void *nft_ctx_new(uint flags)");
  const free = library.func("void nft_ctx_free(void *ctx)");
  const bufferOutput = library.func("int nft_ctx_buffer_output(void *ctx)");
  const bufferError = library.func("int nft_ctx_buffer_error(void *ctx)");
  const output = library.func("str nft_ctx_get_output_buffer(void *ctx)");
  const error = library.func("str nft_ctx_get_error_buffer(void *ctx)");
  const run = library.func("int nft_run_cmd_from_buffer(void *ctx, str commands)");
  return (commands) => {
    // A context's netlink socket belongs to the network namespace that it was made in.
    const context = make(0);
    try {
      bufferOutput(context);
      bufferError(context);
      const refused = run(context, commands) !== 0;
      const said: string = output(context) ?? "";
      return { output: said, error: refused ? String(error(context)) : undefined };
    } finally {
      free(context);
    }
  };
}

export const mknod = libc.func("int mknod(str path, uint mode, ulong device)") as (
  path: string,
  mode: number,
  device: number,
) => number;
export const lsetxattr = libc.func(
  "int lsetxattr(str path, str name, void *value, size_t size, int flags)",
) as (path: string, name: string, value: Uint8Array, size: number, flags: number) => number;
