/** A process that our caller waits for: its terminal is his, and so are the signals that he sends us. */
import { writeSync } from "node:fs";
import { ReadStream as TerminalReader } from "node:tty";
import { hasCode } from "../kernel/syscall-error.ts";
import type { OciDeps } from "./deps.ts";
import { waitForChild } from "./life.ts";

/** The caller's side of a terminal. */
export interface Streams {
  readonly stdin: NodeJS.ReadStream & { readonly fd: number };
  readonly stdout: NodeJS.WriteStream;
}

const FORWARDED = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGTERM",
  "SIGUSR1",
  "SIGUSR2",
  "SIGCONT",
] as const;

/** Resolves with its exit code, as a shell would say it. */
export async function inForeground(
  deps: OciDeps,
  child: { readonly pid: number; readonly master: number | undefined },
  streams: () => Streams,
): Promise<number> {
  const { kernel } = deps;
  const forward = (_: NodeJS.Signals, number: number): void =>
    void kernel.signal(child.pid, number);
  for (const signal of FORWARDED) process.on(signal, forward);
  const connection =
    child.master === undefined ? undefined : connect(deps, child.master, streams());
  const code = await waitForChild(deps, child.pid);
  await connection?.end();
  for (const signal of FORWARDED) process.off(signal, forward);
  return code;
}

function connect({ kernel, makeRaw }: OciDeps, master: number, { stdin, stdout }: Streams) {
  const reader = new TerminalReader(master);
  // A terminal ends with EIO when its last process is gone; "close" follows.
  reader.on("error", () => {});
  const closed = new Promise<void>((resolve) => reader.on("close", () => resolve()));
  reader.pipe(stdout, { end: false });
  const resize = (): void => kernel.resizeTerminal(master, stdout.columns, stdout.rows);
  if (stdout.isTTY) {
    resize();
    stdout.on("resize", resize);
  }
  const undo = stdin.isTTY ? makeRaw(stdin.fd) : undefined;
  const type = (data: Buffer): void => {
    try {
      writeSync(master, data);
    } catch (error) {
      if (!hasCode(error, "EAGAIN", "EIO", "EBADF")) throw error;
    }
  };
  stdin.on("data", type);
  return {
    end: async (): Promise<void> => {
      await closed;
      stdout.off("resize", resize);
      stdin.off("data", type);
      undo?.();
      stdin.pause();
    },
  };
}
