/** Debian's etcd in the network namespace of a test's cluster, to be killed and started again. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { runProgram } from "./run.ts";
import { until } from "./until.ts";

const CLIENT = "http://127.0.0.1:2379";
const PEER = "http://127.0.0.1:2380";
const HEALTHY_MS_MAX = 20_000;
const ASK_HEALTH = `fetch("${CLIENT}/health").then((answer) => answer.json())
  .then(({ health }) => process.stdout.write(health));`;

export interface ClusterEtcd {
  readonly url: string;
  /** kill -9. */
  kill(): Promise<void>;
  /** On the same data and address; resolves when it answers. */
  start(): Promise<void>;
}

/** `enter` is the command that runs the rest of its words inside the namespace. */
export function clusterEtcd(enter: readonly string[], directory: string): ClusterEtcd {
  let running: ChildProcess | undefined;
  return {
    url: CLIENT,
    async start() {
      const [program = "", ...parameters] = [...enter, "etcd", ...flags(join(directory, "etcd"))];
      running = spawn(program, parameters, { stdio: "ignore" });
      await until("etcd to be healthy", HEALTHY_MS_MAX, async () => {
        const { stdout } = await runProgram([...enter, process.execPath, "-e", ASK_HEALTH]);
        return stdout === "true";
      });
    },
    async kill() {
      if (running === undefined) return;
      const ended = new Promise((resolve) => running?.once("exit", resolve));
      running.kill("SIGKILL");
      await ended;
      running = undefined;
    },
  };
}

function flags(folder: string): string[] {
  return [
    ["--data-dir", folder],
    ["--listen-client-urls", CLIENT],
    ["--advertise-client-urls", CLIENT],
    ["--listen-peer-urls", PEER],
    ["--initial-advertise-peer-urls", PEER],
    ["--initial-cluster", `default=${PEER}`],
  ].flat();
}
