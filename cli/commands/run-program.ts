import { readFile } from "node:fs/promises";
import type { Surroundings } from "../session.ts";
import { UserError } from "../terminal.ts";

/** EX_CONFIG of sysexits.h: starting again would not help, and the keeper then does not try. */
const CONFIG_ERROR = 78;

/** Runs one of Naru's long-running programs until the signal aborts. */
export async function runProgram(
  name: "agent" | "apiserver" | "controllers" | "scheduler" | "server",
  configFile: string,
  surroundings: Surroundings,
): Promise<void> {
  const config = await read(configFile);
  const write = (line: string): void => surroundings.terminal.error(`${line}\n`);
  const options = {
    config,
    write,
    signal: surroundings.signal,
    debug: surroundings.environment["NARU_DEBUG"] !== undefined,
  };
  // Each loads only what it runs: an agent has no use for the API server's code in its memory.
  if (name === "agent") {
    const { runAgent } = await import("../../naru/agent.ts");
    await runAgent(options);
    return;
  }
  const { runServer } = await import("../../naru/server.ts");
  const all = ["apiserver", "controllers", "scheduler"] as const;
  await runServer({ ...options, parts: name === "server" ? all : [name] });
}

async function read(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new UserError(`--config ${path}: ${cause instanceof Error ? cause.message : cause}`, {
      exitCode: CONFIG_ERROR,
      cause,
    });
  }
}
