/** What the definitions of commands share. */
import { type Command, InvalidArgumentError } from "commander";
import type { Console } from "./commands/exec.ts";
import { type ClusterOptions, Session, type Surroundings } from "./session.ts";

export interface ProgramOptions extends Surroundings {
  readonly console: Console;
  /** Sets the exit code of a command that worked but has a bad end to report. */
  readonly exit: (code: number) => void;
}

/** Runs a command with a session that ends with it. Global options may stand before or after the command's name. */
export async function withSession(
  command: Command,
  surroundings: Surroundings,
  run: (session: Session) => Promise<void>,
): Promise<void> {
  using session = new Session(surroundings, command.optsWithGlobals<ClusterOptions>());
  await run(session);
}

/** A subcommand that also takes the options that every command about objects has. */
export function clusterCommand(parent: Command, usage: string, description: string): Command {
  return parent
    .command(usage)
    .description(description)
    .option("-n, --namespace <name>", "namespace to work in")
    .option("-A, --all-namespaces", "all namespaces")
    .option("--kubeconfig <file>", "kubeconfig file to use")
    .option("--context <name>", "context of the kubeconfig to use");
}

export function wholeNumber(text: string): number {
  if (!/^-?\d+$/.test(text)) throw new InvalidArgumentError("expected a whole number");
  return Number(text);
}

export function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, ...value.split(",")];
}
