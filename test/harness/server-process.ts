/**
 * A real API server in a process of its own, whose heap can be asked for and whose death is noticed. Run as a program,
 * this file is that process.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Logger } from "#lib/logger";
import type { Credential } from "../../naru/pki/issue.ts";
import { startTestServer } from "./api-server.ts";

export interface ServerAccess {
  readonly host: string;
  readonly port: number;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface ServerProcess extends AsyncDisposable, ServerAccess {
  readonly grpcPort: number;
  readonly pid: number;
  readonly node: Credential;
  /** What is alive on its heap, and outside of it in buffers, after a collection. */
  liveBytes(): Promise<number>;
  /** Errors that it has logged since it was last asked: each is a request that failed by the server's own fault. */
  faults(): Promise<readonly string[]>;
  /** Throws when it has died. */
  assertAlive(): void;
}

type Question = "bytes" | "faults" | "close";
type Ready = Omit<ServerAccess, "host"> & { readonly grpcPort: number; readonly node: Credential };

const PROGRAM = new URL(import.meta.url).pathname;
const START_MS_MAX = 30_000;

export async function startServerProcess(): Promise<ServerProcess> {
  const execArgv = ["--expose-gc", "--disable-warning=ExperimentalWarning"];
  const child = fork(PROGRAM, [], { execArgv, stdio: ["ignore", "inherit", "inherit", "ipc"] });
  let ended: string | undefined;
  child.once("exit", (code, signal) => {
    ended = `the server's process ended with ${code ?? signal}`;
  });
  const [ready] = (await once(child, "message", { signal: AbortSignal.timeout(START_MS_MAX) })) as [
    Ready,
  ];
  const ask = async <T>(question: Question): Promise<T> => {
    if (ended !== undefined) throw new Error(ended);
    const asked = once(child, "message");
    child.send(question);
    const [answer] = await asked;
    return answer as T;
  };
  return {
    ...ready,
    host: "127.0.0.1",
    pid: child.pid ?? 0,
    liveBytes: () => ask<number>("bytes"),
    faults: () => ask<readonly string[]>("faults"),
    assertAlive: () => {
      if (ended !== undefined) throw new Error(ended);
    },
    [Symbol.asyncDispose]: () => end(child, ended),
  };
}

async function end(child: ChildProcess, ended: string | undefined): Promise<void> {
  if (ended !== undefined) return;
  const exit = once(child, "exit");
  child.send("close");
  await exit;
}

async function serve(): Promise<void> {
  const faults: string[] = [];
  const server = await startTestServer({ logger: collecting(faults) });
  const node = await server.credential("system:node:n1", ["system:nodes"]);
  process.on("message", (question: Question) => {
    if (question === "close") void server[Symbol.asyncDispose]().then(() => process.disconnect?.());
    else tell(question === "bytes" ? liveBytes() : faults.splice(0));
  });
  const ready: Ready = {
    port: server.server.restPort,
    grpcPort: server.server.grpcPort ?? 0,
    ca: server.authority.certificate,
    cert: server.admin.certificate,
    key: server.admin.key,
    node,
  };
  tell(ready);
}

function tell(message: Ready | number | readonly string[]): void {
  process.send?.(message);
}

function collecting(faults: string[]): Logger {
  const logger: Logger = {
    debug: () => {},
    info: () => {},
    error: (message, fields) => {
      faults.push(`${message} ${JSON.stringify(fields)}`);
    },
    child: () => logger,
  };
  return logger;
}

function liveBytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

if (import.meta.main) await serve();
