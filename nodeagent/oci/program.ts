/** The command line: the commands and options that runc's callers use, as podman, containerd and cri-o call it. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { Command, InvalidArgumentError, Option } from "commander";
import { sleep } from "#lib/clock";
import { type Container, findContainer, observed, stateOf } from "./container.ts";
import { type CreateOptions, createContainer } from "./create.ts";
import type { OciDeps } from "./deps.ts";
import { type ExecOptions, execIn } from "./exec.ts";
import { exampleSpec, features, OCI_VERSION } from "./features.ts";
import { inForeground, type Streams } from "./foreground.ts";
import { deleteContainer, killContainer, setPaused, startContainer } from "./life.ts";
import { resourcesSpec } from "./spec.ts";
import { statisticsOf } from "./statistics.ts";
import { resourcesOf, UPDATE_OPTIONS } from "./update-options.ts";

export interface ProgramDeps {
  readonly version: string;
  /** What the commands need, once the options before them are known. */
  readonly deps: (root: string) => OciDeps;
  readonly streams: () => Streams;
  readonly write: (text: string) => void;
  /** Ends this process at once, with this exit code. */
  readonly exit: (code: number) => void;
}

export const DEFAULT_ROOT = "/run/naru-oci";

export function ociProgram(given: ProgramDeps): Command {
  const program = new Command("naru-oci")
    .description("Runs containers from bundles of the OCI runtime specification")
    .version(`naru-oci version ${given.version}\nspec: ${OCI_VERSION}`, "-v, --version")
    .option("--root <dir>", "where the containers' state is kept", DEFAULT_ROOT)
    .option("--log <file>", "writes errors and warnings to a file, too")
    .addOption(new Option("--log-format <format>").choices(["text", "json"]).default("text"))
    .option("--debug", "accepted, and without an effect")
    .enablePositionalOptions()
    .exitOverride();
  const deps = (): OciDeps => given.deps(String(program.opts()["root"]));
  addLifeCommands(program, deps, given);
  addProcessCommands(program, deps, given);
  addLookCommands(program, deps, given);
  return program;
}

type Later = () => OciDeps;

function addLifeCommands(program: Command, deps: Later, given: ProgramDeps): void {
  creating(program.command("create"), "creates a container; its program waits for start").action(
    async (id: string, options: CreateFlags) => {
      await createContainer(deps(), id, createOptions(options, false));
      // The container's process reads its list of system calls in our memory: nothing of that may be freed.
      given.exit(0);
    },
  );
  program
    .command("start <id>")
    .description("lets the program of a created container begin")
    .action((id: string) => startContainer(deps(), id));
  program
    .command("kill <id> [signal]")
    .description("sends a signal, SIGTERM if none is named, to a container's first process")
    .option("-a, --all", "to all of its processes")
    .action((id: string, signal: string | undefined, { all }: { all?: boolean }) =>
      killContainer(deps(), id, signal ?? "SIGTERM", all === true),
    );
  program
    .command("delete <id>")
    .description("removes what a stopped container has left")
    .option("-f, --force", "ends it first")
    .action((id: string, { force }: { force?: boolean }) =>
      deleteContainer(deps(), id, force === true),
    );
  program
    .command("pause <id>")
    .description("stops all of a container's processes where they are")
    .action((id: string) => setPaused(deps(), id, true));
  program
    .command("resume <id>")
    .description("lets a paused container go on")
    .action((id: string) => setPaused(deps(), id, false));
}

function addProcessCommands(program: Command, deps: Later, given: ProgramDeps): void {
  creating(program.command("run"), "creates a container, starts it, and removes it at its end")
    .option("-d, --detach", "leaves it to itself once it runs")
    .option("--keep", "leaves the state of an ended container")
    .action(async (id: string, options: CreateFlags & { detach?: boolean; keep?: boolean }) => {
      const isAttached = options.detach !== true;
      const made = deps();
      const child = await createContainer(made, id, createOptions(options, isAttached));
      await startContainer(made, id);
      if (!isAttached) return given.exit(0);
      const code = await inForeground(made, child, given.streams);
      if (options.keep !== true) await deleteContainer(made, id, true);
      given.exit(code);
    });
  program
    .command("exec <id> [command] [args...]")
    .description("runs one more process in a container")
    .passThroughOptions()
    .option("-p, --process <file>", "the process as the specification has it")
    .option("-t, --tty", "with a terminal")
    .option("-d, --detach", "does not wait for its end")
    .option("-u, --user <uid[:gid]>")
    .option("-g, --additional-gids <gid>", "one more group", gathered, [])
    .option("-e, --env <name=value>", "one more variable", gathered, [])
    .option("-c, --cap <name>", "one more capability", gathered, [])
    .option("--cwd <dir>")
    .option("--no-new-privs")
    .option("--pid-file <file>", "gets the process id")
    .option("--console-socket <path>", "gets the terminal")
    .option("--preserve-fds <n>", "descriptors that it gets besides the standard streams", count, 0)
    .action(async (id: string, command: string | undefined, args: string[], flags: ExecFlags) => {
      const isAttached = flags.detach !== true;
      const made = deps();
      const child = await execIn(made, id, execOptions(flags, command, args));
      if (!isAttached) return given.exit(0);
      given.exit(await inForeground(made, child, given.streams));
    });
}

function addLookCommands(program: Command, deps: Later, { write }: ProgramDeps): void {
  const show = (value: unknown): void => write(`${JSON.stringify(value, undefined, 2)}\n`);
  program
    .command("state <id>")
    .description("shows a container's state")
    .action((id: string) => {
      const container = findContainer(deps(), id);
      show({ ...stateOf(container, container.status), ...shownOf(container) });
    });
  program
    .command("list")
    .description("shows the containers")
    .addOption(new Option("-f, --format <format>").choices(["table", "json"]).default("table"))
    .option("-q, --quiet", "the ids alone")
    .action((options: { format: string; quiet?: boolean }) =>
      listContainers(deps(), options, write),
    );
  program
    .command("ps <id> [args...]")
    .description("shows a container's processes")
    .addOption(new Option("-f, --format <format>").choices(["table", "json"]).default("table"))
    .passThroughOptions()
    .action((id: string, args: string[], { format }: { format: string }) => {
      const processes = findContainer(deps(), id).cgroup.processes();
      write(format === "json" ? `${JSON.stringify(processes)}\n` : psTable(processes, args));
    });
  program
    .command("events <id>")
    .description("shows what a container uses, as lines of JSON")
    .option("--stats", "once")
    .option("--interval <seconds>", "between two lines", count, 5)
    .action((id: string, options: { stats?: boolean; interval: number }) =>
      showEvents(deps(), id, options, write),
    );
  addUpdate(program, deps);
  program
    .command("spec")
    .description("writes a config.json to begin with")
    .option("-b, --bundle <dir>", "where", ".")
    .action(({ bundle }: { bundle: string }) => writeSpec(bundle));
  program
    .command("features")
    .description("shows what this runtime can do")
    .action(() => show(features()));
}

function addUpdate(program: Command, deps: Later): void {
  const update = program
    .command("update <id>")
    .description("changes the limits of a container")
    .option(
      "-r, --resources <file>",
      'the specification\'s "linux.resources"; "-" is standard input',
    );
  for (const { flag, help } of UPDATE_OPTIONS) update.option(`--${flag} <value>`, help);
  update.action((id: string, { resources, ...flags }: Record<string, string>) => {
    const { cgroup, status } = findContainer(deps(), id);
    if (status === "stopped") throw new Error("container not running");
    const file = resources === "-" ? 0 : resources;
    const read = file === undefined ? resourcesOf(flags) : JSON.parse(readFileSync(file, "utf8"));
    cgroup.update(resourcesSpec(read, "resources"));
  });
}

interface CreateFlags {
  readonly bundle: string;
  readonly pidFile?: string;
  readonly consoleSocket?: string;
  readonly preserveFds: number;
  readonly newKeyring: boolean;
}

function creating(command: Command, description: string): Command {
  return command
    .argument("<id>")
    .description(description)
    .option("-b, --bundle <dir>", "the bundle's directory", ".")
    .option("--pid-file <file>", "gets the process id")
    .option("--console-socket <path>", "gets the terminal, where the container has one")
    .option("--preserve-fds <n>", "descriptors that it gets besides the standard streams", count, 0)
    .option("--no-new-keyring", "keeps the caller's session keyring")
    .option("--no-pivot", "accepted; the root is always changed by pivot_root")
    .option("--no-subreaper", "accepted, and without an effect");
}

function createOptions(flags: CreateFlags, keepsTerminal: boolean): CreateOptions {
  const { bundle, consoleSocket, newKeyring, pidFile, preserveFds } = flags;
  return {
    bundle,
    preserveFds,
    newKeyring,
    keepsTerminal,
    ...(pidFile === undefined ? {} : { pidFile }),
    ...(consoleSocket === undefined ? {} : { consoleSocket }),
  };
}

interface ExecFlags
  extends Pick<ExecOptions, "consoleSocket" | "cwd" | "pidFile" | "process" | "user"> {
  readonly additionalGids: readonly string[];
  readonly cap: readonly string[];
  readonly detach?: boolean;
  readonly env: readonly string[];
  readonly newPrivs: boolean;
  readonly preserveFds: number;
  readonly tty?: boolean;
}

function execOptions(
  flags: ExecFlags,
  command: string | undefined,
  args: readonly string[],
): ExecOptions {
  const { additionalGids, cap, detach, env, newPrivs, preserveFds, tty, ...rest } = flags;
  return {
    ...rest,
    args: command === undefined ? [] : [command, ...args],
    env,
    terminal: tty === true,
    additionalGids: additionalGids.map(Number),
    capabilities: cap,
    noNewPrivileges: !newPrivs,
    preserveFds,
    keepsTerminal: detach !== true,
  };
}

function count(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("a whole number of 0 or more");
  return Number(text);
}

function gathered(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function shownOf({ record }: Container): object {
  const { created, owner, rootfs } = record;
  return { rootfs, created, owner };
}

function listContainers(
  deps: OciDeps,
  { format, quiet }: { readonly format: string; readonly quiet?: boolean },
  write: (text: string) => void,
): void {
  const containers = deps.records.list().map((record) => observed(deps, record));
  if (quiet === true) write(containers.map(({ record }) => `${record.id}\n`).join(""));
  else if (format === "json")
    write(
      `${JSON.stringify(containers.map((each) => ({ ...stateOf(each, each.status), ...shownOf(each) })))}\n`,
    );
  else {
    const rows = containers.map(({ record, status }) => {
      const pid = status === "stopped" ? "0" : String(record.pid);
      return [record.id, pid, status, record.bundle, record.created, record.owner];
    });
    write(table([["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"], ...rows]));
  }
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => row[at]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("   ")
      .trimEnd();
  return rows.map((row) => `${line(row)}\n`).join("");
}

/** What ps(1) says of them: its lines whose PID column is one of theirs. */
function psTable(processes: readonly number[], args: readonly string[]): string {
  const lines = execFileSync("ps", args.length === 0 ? ["-ef"] : [...args], {
    encoding: "utf8",
  }).split("\n");
  const [head = ""] = lines;
  const column = head.trim().split(/\s+/).indexOf("PID");
  if (column === -1) throw new Error("these options of ps show no PID column");
  const own = lines
    .slice(1)
    .filter((line) => processes.includes(Number(line.trim().split(/\s+/)[column])));
  return [head, ...own].map((line) => `${line}\n`).join("");
}

async function showEvents(
  deps: OciDeps,
  id: string,
  { interval, stats }: { readonly interval: number; readonly stats?: boolean },
  write: (text: string) => void,
): Promise<void> {
  for (;;) {
    const { cgroup, status } = findContainer(deps, id);
    if (status === "stopped") {
      if (stats === true) throw new Error("container not running");
      return;
    }
    write(`${JSON.stringify(statisticsOf(id, cgroup))}\n`);
    if (stats === true) return;
    await sleep(deps.clock, interval * 1000);
  }
}

function writeSpec(bundle: string): void {
  const file = `${bundle}/config.json`;
  if (existsSync(file)) throw new Error(`${file} exists; remove it first`);
  writeFileSync(file, `${JSON.stringify(exampleSpec(), undefined, 2)}\n`);
}
