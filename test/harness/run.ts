/** Runs programs and says how they ended. */
import { execFile } from "node:child_process";
import type { Outcome } from "./kubectl.ts";

export interface ProgramOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 60_000;

/** Runs it to its end, whatever that is. A program that takes too long ends with code 1 and what it wrote. */
export function runProgram(
  command: readonly string[],
  options: ProgramOptions = {},
): Promise<Outcome> {
  const [program = "", ...parameters] = command;
  return new Promise((resolve) => {
    const child = execFile(
      program,
      parameters,
      {
        timeout: options.timeoutMs ?? TIMEOUT_MS,
        maxBuffer: 64 << 20,
        env: { ...process.env, ...options.env },
      },
      (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : codeOf(error), stdout, stderr }),
    );
    child.stdin?.on("error", () => {
      // It ended without reading all of it; how it ended says the rest.
    });
    child.stdin?.end(options.input ?? "");
  });
}

/** Gives its standard output; throws with all that it wrote when it fails. */
export async function mustRun(
  command: readonly string[],
  options?: ProgramOptions,
): Promise<string> {
  const { code, stderr, stdout } = await runProgram(command, options);
  if (code !== 0) throw new Error(`${command.join(" ")} (exit ${code}): ${stderr}${stdout}`);
  return stdout;
}

function codeOf(error: { readonly code?: unknown }): number {
  return typeof error.code === "number" ? error.code : 1;
}
