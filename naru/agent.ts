/** A node's agent with the real clock, kernel, supervisor and network. */
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { availableParallelism, release, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client, Informers } from "#client";
import { jsonLogger } from "#lib/logger";
import { systemClock as clock } from "#lib/system-clock";
import { systemRandom as random } from "#lib/system-random";
import { NodeTunnelClient } from "#services/tunnel";
import {
  channelCredentials,
  channelOptions,
  type GrpcAccess,
  grpcTransport,
} from "../client/transport/grpc.ts";
import { startAgent } from "../nodeagent/agent.ts";
import { Images } from "../nodeagent/images/images.ts";
import { serveImages } from "../nodeagent/images/images-server.ts";
import { linuxKernel } from "../nodeagent/kernel/linux.ts";
import { startNetwork } from "../nodeagent/network/start.ts";
import { machineFacts } from "../nodeagent/node/facts.ts";
import { SupervisorClient } from "../nodeagent/runtime/supervisor-client.ts";
import { kernelVolumes } from "../nodeagent/volumes/kernel-volumes.ts";
import type { AgentConfig } from "./config.ts";
import { DATA_DIR_VARIABLE } from "./processes.ts";
import type { RunOptions } from "./server.ts";
import { KUBERNETES_VERSION } from "./version.ts";

const CLUSTER_DOMAIN = "cluster.local";
const SUPERVISOR = fileURLToPath(
  new URL("../nodeagent/runtime/supervisor/main.ts", import.meta.url),
);

/** Runs until the signal aborts; the containers run on. */
export async function runAgent(options: RunOptions): Promise<void> {
  const config = options.config as AgentConfig;
  const { nodeName, stateDir } = config;
  const logger = jsonLogger({
    debug: options.debug,
    nowMs: clock.nowMs,
    write: options.write,
  }).child({ node: nodeName });
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const kernel = linuxKernel();
  const access = await grpcAccess(config);
  const transport = grpcTransport(access);
  const client = new Client(transport);
  const informers = new Informers({ client, clock, random, logger });
  const runtime = supervisor(config, kernel, logger);
  const resolvConf = await readFile("/etc/resolv.conf", "utf8").catch(() => "");
  const [images, facts] = await Promise.all([
    openImages(config, logger),
    factsOf(config),
    runtime.ready(),
  ]);
  const imagesServer = await serveImages(images, config.imagesSocket);
  const networking = await startNetwork({
    ...config,
    kernel: runtime,
    informers,
    clusterDomain: CLUSTER_DOMAIN,
    resolvConf,
    stateDir: await made(join(stateDir, "network")),
    pid: process.pid,
    clock,
    logger,
  });
  const tunnel = new NodeTunnelClient(
    access.address,
    channelCredentials(access),
    channelOptions(access),
  );
  const agent = await startAgent({
    ...config,
    nodeIp: config.ip,
    client,
    informers,
    tunnel,
    runtime,
    images,
    network: networking.podNetwork,
    networkReady: networking.serving,
    volumeKernel: kernelVolumes(kernel),
    dns: {
      clusterDns: [config.dnsIp],
      clusterDomain: CLUSTER_DOMAIN,
      nodeResolvConf: resolvConf,
    },
    facts,
    clock,
    random,
    logger,
  });
  // Never rejects; it ends when the informers are closed.
  void informers.start();
  await aborted(options.signal);
  logger.info("agent stops");
  await agent.close();
  await Promise.all([networking.close(), informers.close()]);
  imagesServer.close();
  tunnel.close();
  transport.close();
  runtime.close();
}

function supervisor(
  { stateDir, cgroup }: AgentConfig,
  kernel: ReturnType<typeof linuxKernel>,
  logger: ReturnType<typeof jsonLogger>,
): SupervisorClient {
  const { PATH, [DATA_DIR_VARIABLE]: dataDir } = process.env;
  return new SupervisorClient({
    kernel,
    clock,
    logger,
    stateDir,
    cgroup,
    node: process.execPath,
    program: ["--disable-warning=ExperimentalWarning", SUPERVISOR],
    environment: { PATH, ...(dataDir === undefined ? {} : { [DATA_DIR_VARIABLE]: dataDir }) },
  });
}

async function openImages(
  config: AgentConfig,
  logger: ReturnType<typeof jsonLogger>,
): Promise<Images> {
  return Images.open({
    root: await made(join(config.stateDir, "images")),
    registry: { fetch, clock, plainHttpHosts: new Set(config.plainHttpRegistries) },
    architecture: architecture(),
    clock,
    logger,
  });
}

async function factsOf({ stateDir }: AgentConfig) {
  return machineFacts({
    stateDir,
    cpus: availableParallelism(),
    totalMemoryBytes: totalmem(),
    architecture: architecture(),
    kernelVersion: release(),
    kubeletVersion: `${KUBERNETES_VERSION}+naru`,
    runtimeVersion: `naru://${KUBERNETES_VERSION.slice(1)}`,
  });
}

async function grpcAccess(config: AgentConfig): Promise<GrpcAccess> {
  const [authority, certificate, key] = await Promise.all([
    readFile(config.authority, "utf8"),
    readFile(config.certificate, "utf8"),
    readFile(config.key, "utf8"),
  ]);
  return { address: config.server, authority, certificate, key };
}

function architecture(): string {
  return process.arch === "x64" ? "amd64" : process.arch;
}

async function made(directory: string): Promise<string> {
  if (!existsSync(directory)) await mkdir(directory, { recursive: true, mode: 0o700 });
  return directory;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
