/** The command line: names, options and help. What a command does is loaded when it is called. */
import { Command } from "commander";
import {
  clusterCommand,
  collect,
  type ProgramOptions,
  wholeNumber,
  withSession,
} from "./command-options.ts";
import { registerClusterCommands } from "./program-cluster.ts";
import { registerRolloutCommands } from "./program-rollout.ts";
import { UserError } from "./terminal.ts";

export function buildProgram(options: ProgramOptions): Command {
  const { terminal } = options;
  const program = new Command("naru")
    .description("A Kubernetes you can hold in your hand")
    .option("-n, --namespace <name>", "namespace to work in (default: the context's)")
    .option("-A, --all-namespaces", "all namespaces")
    .option("--kubeconfig <file>", "kubeconfig file to use")
    .option("--context <name>", "context of the kubeconfig to use")
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError("(--help shows what there is)")
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.error });
  registerReading(program, options);
  registerWriting(program, options);
  registerPodCommands(program, options);
  registerNodeCommands(program, options);
  registerRolloutCommands(program, options);
  registerClusterCommands(program, options);
  return program;
}

function registerReading(program: Command, options: ProgramOptions): void {
  clusterCommand(program, "get <what...>", "show objects, or one by name")
    .option("-o, --output <format>", "wide, yaml, json, name or jsonpath='{…}'")
    .option("-l, --selector <labels>", "only objects with these labels")
    .option("--field-selector <fields>", "only objects with these field values")
    .option("-w, --watch", "go on showing changes")
    .option("--no-headers", "leave the heading out")
    .option("--show-labels", "add a column with all labels")
    .option("--ignore-not-found", "an absent object is no error")
    .action(async (words: string[], _, command: Command) => {
      const { get } = await import("./commands/get.ts");
      await withSession(command, options, (session) => get(session, words, command.opts()));
    });
  clusterCommand(program, "describe <what...>", "show objects in detail, with their events")
    .option("-l, --selector <labels>", "only objects with these labels")
    .action(async (words: string[], _, command: Command) => {
      const { describe } = await import("./commands/describe.ts");
      await withSession(command, options, (session) => describe(session, words, command.opts()));
    });
  clusterCommand(program, "events", "show what happened")
    .option("--for <object>", "only about this object, as pod/web")
    .option("--types <types>", "only Normal or Warning events")
    .option("-w, --watch", "go on showing new ones")
    .action(async (_, command: Command) => {
      const { listEvents } = await import("./commands/events.ts");
      await withSession(command, options, (session) => listEvents(session, command.opts()));
    });
  clusterCommand(program, "wait <what...>", "wait until objects are as wanted")
    .requiredOption("--for <goal>", "condition=Ready, jsonpath='{…}'=value, create or delete")
    .option("--timeout <duration>", "give up after this time", "30s")
    .option("-l, --selector <labels>", "all objects with these labels")
    .option("--all", "all objects of the kind")
    .action(async (words: string[], _, command: Command) => {
      const { wait } = await import("./commands/wait.ts");
      await withSession(command, options, (session) => wait(session, words, command.opts()));
    });
}

function registerWriting(program: Command, options: ProgramOptions): void {
  clusterCommand(program, "apply", "make the cluster's objects what files say")
    .requiredOption("-f, --filename <file>", "file, directory, URL or - (may be repeated)", collect)
    .option("-R, --recursive", "also directories below")
    .option("--dry-run <how>", "none or server", "none")
    .action(async (_, command: Command) => {
      const { apply } = await import("./commands/apply.ts");
      await withSession(command, options, (session) => apply(session, command.opts()));
    });
  clusterCommand(program, "create", "make new objects from files")
    .requiredOption("-f, --filename <file>", "file, directory, URL or - (may be repeated)", collect)
    .option("-R, --recursive", "also directories below")
    .option("--dry-run <how>", "none or server", "none")
    .action(async (_, command: Command) => {
      const { create } = await import("./commands/create.ts");
      await withSession(command, options, (session) => create(session, command.opts()));
    });
  clusterCommand(program, "delete [what...]", "delete objects")
    .option("-f, --filename <file>", "objects of a file, directory, URL or -", collect)
    .option("-l, --selector <labels>", "objects with these labels")
    .option("--all", "all objects of the kind")
    .option("--grace-period <seconds>", "time to end by themselves", wholeNumber)
    .option("--now", "one second to end")
    .option("--force", "forget pods at once, without waiting for their node")
    .option("--cascade <how>", "background, foreground or orphan", "background")
    .option("--ignore-not-found", "an absent object is no error")
    .option("--no-wait", "do not wait until they are gone")
    .action(async (words: string[], _, command: Command) => {
      const { deleteObjects } = await import("./commands/delete.ts");
      await withSession(command, options, (session) =>
        deleteObjects(session, words, command.opts()),
      );
    });
  clusterCommand(program, "scale <what...>", "change the number of replicas")
    .requiredOption("--replicas <count>", "wanted number", wholeNumber)
    .option("--current-replicas <count>", "only if it is this now", wholeNumber)
    .action(async (words: string[], _, command: Command) => {
      const { scale } = await import("./commands/scale.ts");
      await withSession(command, options, (session) => scale(session, words, command.opts()));
    });
  const set = program.command("set").description("change one thing of objects");
  clusterCommand(
    set,
    "image <what...>",
    "change images: set image deployment/web app=nginx:1.27",
  ).action(async (words: string[], _, command: Command) => {
    const { setImage } = await import("./commands/set-image.ts");
    await withSession(command, options, (session) => setImage(session, words));
  });
}

function registerPodCommands(program: Command, options: ProgramOptions): void {
  clusterCommand(program, "logs [pod]", "print what containers wrote")
    .option("-f, --follow", "go on with what comes")
    .option("-p, --previous", "of the container's last run")
    .option("-c, --container <name>", "which container")
    .option("--all-containers", "all containers")
    .option("-l, --selector <labels>", "of all pods with these labels")
    .option("--since <duration>", "only of the last 5m, 1h, …")
    .option("--since-time <time>", "only since this time (RFC 3339)")
    .option("--tail <lines>", "only the last lines", wholeNumber)
    .option("--limit-bytes <bytes>", "stop after so many bytes", wholeNumber)
    .option("--timestamps", "with the time of each line")
    .option("--prefix", "with the pod's name before each line")
    .option("--deleted", "of a pod that is gone, while its node keeps them")
    .option("--max-log-requests <count>", "how many to follow at once", wholeNumber)
    .action(async (word: string | undefined, _, command: Command) => {
      const { logs } = await import("./commands/logs.ts");
      await withSession(command, options, (session) => logs(session, word, command.opts()));
    });
  clusterCommand(program, "exec <pod> [command...]", "run a command in a container")
    .option("-c, --container <name>", "which container")
    .option("-i, --stdin", "send standard input")
    .option("-t, --tty", "with a terminal")
    .passThroughOptions()
    .action(async (word: string, words: string[], _, command: Command) => {
      const { exec } = await import("./commands/exec.ts");
      const own = commandWords(command, words);
      await withSession(command, options, async (session) => {
        options.exit(await exec(session, options.console, word, own, command.opts()));
      });
    });
  clusterCommand(program, "port-forward <pod> <ports...>", "open local ports to a pod: 8080:80")
    .option("--address <ip>", "local address to listen on", "127.0.0.1")
    .action(async (word: string, ports: string[], _, command: Command) => {
      const { portForward } = await import("./commands/port-forward.ts");
      await withSession(command, options, (session) =>
        portForward(session, word, ports, command.opts()),
      );
    });
}

function registerNodeCommands(program: Command, options: ProgramOptions): void {
  for (const [name, unschedulable, description] of [
    ["cordon", true, "let no new pods onto nodes"],
    ["uncordon", false, "let new pods onto nodes again"],
  ] as const) {
    clusterCommand(program, `${name} <node...>`, description).action(
      async (words: string[], _, command: Command) => {
        const { cordon } = await import("./commands/node.ts");
        await withSession(command, options, (session) => cordon(session, words, unschedulable));
      },
    );
  }
  clusterCommand(program, "drain <node...>", "cordon nodes and evict their pods")
    .option("--ignore-daemonsets", "leave pods of DaemonSets")
    .option("--delete-emptydir-data", "also pods whose emptyDir data is lost")
    .option("--force", "also pods that nothing will replace")
    .option("--grace-period <seconds>", "time to end by themselves", wholeNumber)
    .option("--timeout <duration>", "give up after this time")
    .action(async (words: string[], _, command: Command) => {
      const { drain } = await import("./commands/node.ts");
      await withSession(command, options, (session) => drain(session, words, command.opts()));
    });
}

/** The command that follows `--`: commander leaves the dashes in. */
/** `web -c main -- ls -l`: what stands before the dashes is ours, as with kubectl. Without dashes all of it is the command. */
function commandWords(command: Command, words: readonly string[]): string[] {
  const at = words.indexOf("--");
  if (at === -1) return [...words];
  const { operands, unknown } = command.parseOptions(words.slice(0, at));
  const [stray] = [...operands, ...unknown];
  if (stray === undefined) return words.slice(at + 1);
  throw new UserError(`${JSON.stringify(stray)}: write -- directly before the command to run`);
}
