import type { Command } from "commander";
import {
  clusterCommand,
  type ProgramOptions,
  wholeNumber,
  withSession,
} from "./command-options.ts";

export function registerRolloutCommands(program: Command, options: ProgramOptions): void {
  const rollout = program.command("rollout").description("follow and steer rollouts");
  clusterCommand(rollout, "status <object>", "follow a rollout until it is done")
    .option("--no-watch", "only say how it is now")
    .option("--timeout <duration>", "give up after this time")
    .action(async (word: string, _, command: Command) => {
      const { rolloutStatus } = await import("./commands/rollout.ts");
      await withSession(command, options, (session) =>
        rolloutStatus(session, word, command.opts()),
      );
    });
  clusterCommand(rollout, "history <object>", "show earlier revisions")
    .option("--revision <number>", "the pod template of one", wholeNumber)
    .action(async (word: string, given: { revision?: number }, command: Command) => {
      const { rolloutHistory } = await import("./commands/rollout.ts");
      await withSession(command, options, (session) =>
        rolloutHistory(session, word, given.revision),
      );
    });
  clusterCommand(rollout, "undo <object>", "go back to an earlier revision")
    .option("--to-revision <number>", "which; the previous one if not given", wholeNumber)
    .action(async (word: string, given: { toRevision?: number }, command: Command) => {
      const { rolloutUndo } = await import("./commands/rollout.ts");
      await withSession(command, options, (session) =>
        rolloutUndo(session, word, given.toRevision),
      );
    });
  clusterCommand(rollout, "restart <object...>", "replace all pods by new ones").action(
    async (words: string[], _, command: Command) => {
      const { rolloutRestart } = await import("./commands/rollout.ts");
      await withSession(command, options, (session) => rolloutRestart(session, words));
    },
  );
  for (const [name, paused, description] of [
    ["pause", true, "stop a rollout where it is"],
    ["resume", false, "let a paused rollout go on"],
  ] as const) {
    clusterCommand(rollout, `${name} <object>`, description).action(
      async (word: string, _, command: Command) => {
        const { rolloutPause } = await import("./commands/rollout.ts");
        await withSession(command, options, (session) => rolloutPause(session, word, paused));
      },
    );
  }
}
