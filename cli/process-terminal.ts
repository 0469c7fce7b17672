import type { Terminal } from "./terminal.ts";

/** The process's own standard streams. */
export function processTerminal(
  process: Pick<NodeJS.Process, "env" | "stderr" | "stdin" | "stdout">,
): Terminal {
  const { env, stderr, stdin, stdout } = process;
  const isInteractive = stdout.isTTY === true && env["TERM"] !== "dumb";
  return {
    out: (text) => void stdout.write(text),
    error: (text) => void stderr.write(text),
    isInteractive,
    // https://no-color.org
    hasColor: isInteractive && (env["NO_COLOR"] ?? "") === "",
    get columns() {
      return stdout.isTTY ? stdout.columns : undefined;
    },
    async readInput() {
      const chunks: Buffer[] = [];
      for await (const chunk of stdin) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks).toString("utf8");
    },
  };
}
