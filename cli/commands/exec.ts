import type { ReadStream } from "node:tty";
import { pods } from "#resources";
import { openChannels, type RemoteProcess } from "../connection/channels.ts";
import { pathOf } from "../connection/path.ts";
import type { Session } from "../session.ts";
import { UserError } from "../terminal.ts";
import { checkContainer, defaultContainer, podOf } from "./pods-of.ts";

export interface ExecOptions {
  readonly container?: string;
  readonly stdin?: boolean;
  readonly tty?: boolean;
}

/** The person's end: what is typed and what is shown, byte for byte. */
export interface Console {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream & { readonly columns?: number; readonly rows?: number };
  readonly error: NodeJS.WritableStream;
}

/** Runs a command in a container and returns its exit code. */
export async function exec(
  session: Session,
  console: Console,
  word: string,
  command: readonly string[],
  options: ExecOptions,
): Promise<number> {
  if (command.length === 0)
    throw new UserError("name a command after --, for example: naru exec web -- ls /");
  const pod = await podOf(session, word);
  const container = checkContainer(pod, options.container ?? defaultContainer(pod));
  const terminal = options.tty === true ? terminalOf(console.input) : undefined;
  if (options.tty === true && terminal === undefined) {
    session.terminal.error("standard input is no terminal, so -t is ignored\n");
  }
  const isTty = terminal !== undefined;
  const path = pathOf({
    resource: pods,
    namespace: pod.metadata.namespace,
    name: pod.metadata.name,
    subresource: "exec",
  });
  const query: [string, string][] = [
    ...command.map((part): [string, string] => ["command", part]),
    ["container", container],
    ...(options.stdin === true ? [["stdin", "true"] as [string, string]] : []),
    ["stdout", "true"],
    isTty ? ["tty", "true"] : ["stderr", "true"],
  ];
  const remote = await openChannels(session.connection, path, query, {
    onOutput: (stream, data) => (stream === "stdout" ? console.output : console.error).write(data),
  });
  using _ = terminal === undefined ? undefined : joinTerminal(terminal, console, remote);
  if (options.stdin === true) copyInput(console.input, remote);
  return remote.exitCode;
}

function copyInput(input: NodeJS.ReadableStream, remote: RemoteProcess): void {
  input.on("data", (chunk: Buffer) => remote.write(chunk));
  input.on("end", () => remote.closeStdin());
}

/** Keys go through one by one, and the other end learns the window's size, until disposed of. */
function joinTerminal(terminal: ReadStream, console: Console, remote: RemoteProcess): Disposable {
  const { output } = console;
  const resize = (): void => remote.resize(output.columns ?? 80, output.rows ?? 24);
  terminal.setRawMode(true);
  output.on("resize", resize);
  resize();
  return {
    [Symbol.dispose]() {
      terminal.setRawMode(false);
      output.off("resize", resize);
      terminal.pause();
    },
  };
}

function terminalOf(input: NodeJS.ReadableStream): ReadStream | undefined {
  return "setRawMode" in input && (input as ReadStream).isTTY ? (input as ReadStream) : undefined;
}
