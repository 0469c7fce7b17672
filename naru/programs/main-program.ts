/** What the long-running programs have in common: their command line, their log, how they are ended. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { ConfigError } from "#lib/config-document";
import { StatusError } from "#lib/status-error";
import { lastWords } from "../last-words.ts";
import type { RunOptions } from "../server.ts";

/** EX_CONFIG of sysexits.h: starting again would not help, and the keeper then does not try. */
const CONFIG_ERROR = 78;
/** The keeper tries again: what a program needs may come back. */
const FAILURE = 1;

/** `PROGRAM NAME --config FILE`: runs until SIGTERM or SIGINT. `name` is what `run` gets told. */
export async function mainProgram(
  run: (name: string, options: RunOptions) => Promise<void>,
): Promise<void> {
  const { positionals, values } = parseArgs({
    options: { config: { type: "string" } },
    allowPositionals: true,
  });
  const write = (line: string): void => void process.stderr.write(`${line}\n`);
  const ended = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => ended.abort());
  let config: unknown;
  try {
    config = JSON.parse(readFileSync(values.config ?? "", "utf8"));
  } catch (error) {
    write(`--config ${values.config ?? ""}: ${error instanceof Error ? error.message : error}`);
    process.exit(CONFIG_ERROR);
  }
  const debug = process.env["NARU_DEBUG"] !== undefined;
  try {
    await run(positionals[0] ?? "", { config, write, debug, signal: ended.signal });
  } catch (error) {
    if (error instanceof ConfigError) {
      write(lastWords(error.message));
      process.exit(CONFIG_ERROR);
    }
    // Anything else is a fault of ours, whose place matters.
    if (!(error instanceof StatusError)) throw error;
    write(lastWords(error.message));
    process.exit(FAILURE);
  }
  // Something that was handed to a library may still hold the loop; everything of ours is closed.
  process.exit(0);
}
