/** The `naru` command. Finds out about its surroundings, runs one command, and turns errors into words and exit codes. */
import { enableCompileCache } from "node:module";
import { systemClock } from "#lib/system-clock";

// Parsing what has not changed since the last call is most of what a short command would do.
enableCompileCache();
const { buildProgram } = await import("./program.ts");
const { explainError } = await import("./explain-error.ts");
const { processTerminal } = await import("./process-terminal.ts");

const interrupted = new AbortController();
for (const [name, number] of Object.entries({ SIGINT: 2, SIGTERM: 15 })) {
  process.on(name, () => {
    // Who asks twice does not want to wait for what is being ended.
    if (interrupted.signal.aborted) process.exit(128 + number);
    interrupted.abort();
  });
}

const terminal = processTerminal(process);
const program = buildProgram({
  terminal,
  clock: systemClock,
  environment: process.env,
  signal: interrupted.signal,
  console: { input: process.stdin, output: process.stdout, error: process.stderr },
  exit: (code) => {
    process.exitCode = code;
  },
});

// A reader that went away, as `| head` does, is no error of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) =>
  process.exit(error.code === "EPIPE" ? 0 : 1),
);

try {
  await program.parseAsync(process.argv);
} catch (error) {
  const { text, exitCode } = explainError(error, process.env["NARU_DEBUG"] !== undefined);
  if (text !== "") terminal.error(text);
  process.exitCode = exitCode;
}
