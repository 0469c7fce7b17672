import type { Command } from "commander";
import { addAdmissionFlags } from "./admission-options.ts";
import { addAuditFlags } from "./audit-options.ts";
import { addAuthenticationFlags } from "./authentication-options.ts";
import { type ProgramOptions, wholeNumber } from "./command-options.ts";

const DATA_DIR = "/var/lib/naru";

export function registerClusterCommands(program: Command, options: ProgramOptions): void {
  addAdmissionFlags(addAuditFlags(addAuthenticationFlags(program.command("up"))))
    .description("start a cluster on this machine")
    .option("--nodes <count>", "how many nodes", wholeNumber, 1)
    .option("--data-dir <directory>", "where the cluster keeps its things", DATA_DIR)
    .option("--datastore <store>", "embedded, or the addresses of an etcd cluster", "embedded")
    .option("--api-port <port>", "of the Kubernetes REST API", wholeNumber, 6443)
    .option("--grpc-port <port>", "of Naru's own API", wholeNumber, 6444)
    .option(
      "--node-grace <seconds>",
      "silence after which a node counts as lost (default: 40)",
      wholeNumber,
    )
    .option("--encryption-provider-config <file>", "what the datastore keeps encrypted, and how")
    .option("--timeout <seconds>", "give up after this time", wholeNumber, 60)
    .action(async (given) => {
      const { up } = await import("./commands/up.ts");
      await up(options, given);
    });
  program
    .command("down")
    .description("end a cluster and remove every trace of it")
    .option("--data-dir <directory>", "where the cluster keeps its things", DATA_DIR)
    .action(async (given) => {
      const { down } = await import("./commands/down.ts");
      await down(options, given);
    });
  program
    .command("kubeconfig")
    .description("print the administrator's kubeconfig")
    .option("--data-dir <directory>", "where the cluster keeps its things", DATA_DIR)
    .action(async (given) => {
      const { kubeconfig } = await import("./commands/kubeconfig.ts");
      await kubeconfig(options.terminal, given.dataDir);
    });
  program
    .command("version")
    .description("print versions")
    .action(async () => {
      const { version } = await import("./commands/version.ts");
      version(options.terminal);
    });
  registerImageCommands(program, options);
  registerPrograms(program);
}

function registerImageCommands(program: Command, options: ProgramOptions): void {
  const image = program.command("image").description("images on the nodes of this machine");
  imageCommand(image, "ls", "list images").action(async (_, command: Command) => {
    const { listImages } = await import("./commands/image.ts");
    await listImages(options, command.optsWithGlobals());
  });
  imageCommand(image, "pull <image>", "pull an image from its registry").action(
    async (reference: string, _, command: Command) => {
      const { pullImage } = await import("./commands/image.ts");
      await pullImage(options, reference, command.optsWithGlobals());
    },
  );
  imageCommand(image, "import <archive>", "take images from an OCI or docker-save archive").action(
    async (path: string, _, command: Command) => {
      const { importImage } = await import("./commands/image.ts");
      await importImage(options, path, command.optsWithGlobals());
    },
  );
  imageCommand(image, "rm <image>", "remove an image").action(
    async (reference: string, _, command: Command) => {
      const { removeImage } = await import("./commands/image.ts");
      await removeImage(options, reference, command.optsWithGlobals());
    },
  );
}

function imageCommand(parent: Command, usage: string, description: string): Command {
  return parent
    .command(usage)
    .description(description)
    .option("--data-dir <directory>", "where the cluster keeps its things", DATA_DIR)
    .option("--node <name>", "only this node");
}

/** The programs that `up` starts; each can also be started by hand, with a configuration file. */
function registerPrograms(program: Command): void {
  for (const [name, description] of [
    ["server", "run API server, controllers and scheduler in one process"],
    ["apiserver", "run the API server alone"],
    ["controllers", "run the controllers alone"],
    ["scheduler", "run the scheduler alone"],
    ["agent", "run a node's agent"],
  ] as const) {
    program
      .command(name)
      .description(description)
      .requiredOption("--config <file>", "JSON file; `naru up` writes one to <data-dir>/config")
      .action(async () => {
        // The program reads its command line itself, as it does when it is started without this one.
        await (name === "agent"
          ? import("../naru/programs/agent.ts")
          : import("../naru/programs/server.ts"));
      });
  }
}
