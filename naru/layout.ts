/** Where a cluster keeps its things, and what they are called: everything follows from the data directory. */
import { createHash } from "node:crypto";
import { join, resolve } from "node:path";

export const DEFAULT_DATA_DIR = "/var/lib/naru";

export interface Layout {
  readonly dataDir: string;
  /** Distinguishes this cluster's cgroups, interfaces and tables from those of others on the machine. */
  readonly id: string;
  /** What `up` was asked for. */
  readonly clusterFile: string;
  readonly pkiDir: string;
  readonly storeDir: string;
  /** Pid files and sockets. */
  readonly runDir: string;
  readonly logDir: string;
  readonly kubeconfig: string;
  /** Below each cgroup hierarchy's root. */
  readonly cgroup: string;
  nodeDir(node: string): string;
  /** Where the node's agent offers its images. */
  imagesSocket(node: string): string;
  pidFile(program: string): string;
  logFile(program: string): string;
}

export function layoutOf(dataDir: string): Layout {
  const absolute = resolve(dataDir);
  const runDir = join(absolute, "run");
  const logDir = join(absolute, "log");
  const id = idOf(absolute);
  return {
    dataDir: absolute,
    id,
    clusterFile: join(absolute, "cluster.json"),
    pkiDir: join(absolute, "pki"),
    storeDir: join(absolute, "store"),
    runDir,
    logDir,
    kubeconfig: join(absolute, "kubeconfig"),
    cgroup: `/${id}`,
    nodeDir: (node) => join(absolute, "nodes", node),
    imagesSocket: (node) => join(runDir, `${node}-images.sock`),
    pidFile: (program) => join(runDir, `${program}.pid`),
    logFile: (program) => join(logDir, `${program}.log`),
  };
}

/** Short: names of interfaces have 15 letters at most. */
function idOf(dataDir: string): string {
  if (dataDir === DEFAULT_DATA_DIR) return "naru";
  return `naru-${createHash("sha256").update(dataDir).digest("hex").slice(0, 6)}`;
}
