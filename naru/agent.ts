/** A node's agent with the real clock, runtime, network and images. */
import { mkdir, readFile } from "node:fs/promises";
import { arch, cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { Client, Informers } from "#client";
import { jsonLogger, type Logger } from "#lib/logger";
import { systemClock as clock } from "#lib/system-clock";
import { systemRandom as random } from "#lib/system-random";
import { NodeTunnelClient } from "#services/tunnel";
import { channelCredentials, channelOptions, grpcTransport } from "../client/transport/grpc.ts";
import { startAgent } from "../nodeagent/agent.ts";
import { Images } from "../nodeagent/images/images.ts";
import { serveImages } from "../nodeagent/images/images-server.ts";
import type { Kernel } from "../nodeagent/kernel/kernel.ts";
import { linuxKernel } from "../nodeagent/kernel/linux.ts";
import { startNetwork } from "../nodeagent/network/start.ts";
import { machineFacts } from "../nodeagent/node/facts.ts";
import { SupervisorClient } from "../nodeagent/runtime/supervisor-client.ts";
import type { AgentConfig } from "./config.ts";
import { entryPoint } from "./entry-points.ts";
import { DATA_DIR_VARIABLE } from "./processes.ts";
import type { RunOptions } from "./server.ts";
import { KUBERNETES_VERSION, NARU_VERSION } from "./version.ts";
import { linuxVolumeKernel } from "./volume-kernel.ts";

const CLUSTER_DOMAIN = "cluster.local";
const RESOLV_CONF = "/etc/resolv.conf";

/** Runs until the signal aborts. The containers live on, and so does the supervisor. */
export async function runAgent(options: RunOptions): Promise<void> {
  const config = options.config as AgentConfig;
  const { dnsIp, stateDir } = config;
  const logger = jsonLogger({ debug: options.debug, nowMs: clock.nowMs, write: options.write });
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const access = await accessOf(config);
  const transport = grpcTransport(access);
  const client = new Client(transport);
  const informers = new Informers({ client, clock, random, logger });
  const kernel = linuxKernel();
  const runtime = supervisorOf(config, kernel, logger);
  const images = await openImages(config, logger);
  const resolvConf = await readFile(RESOLV_CONF, "utf8").catch(() => "");
  await runtime.ready();
  const network = await startNetwork({
    ...config,
    kernel: runtime,
    informers,
    clusterDomain: CLUSTER_DOMAIN,
    resolvConf,
    stateDir: join(stateDir, "network"),
    pid: process.pid,
    clock,
    logger,
  });
  const agent = await startAgent({
    ...config,
    client,
    informers,
    tunnel: new NodeTunnelClient(config.server, channelCredentials(access), channelOptions(access)),
    runtime,
    images,
    collectImages: () => images.collect(),
    network: network.podNetwork,
    volumeKernel: linuxVolumeKernel(kernel),
    dns: { clusterDns: [dnsIp], clusterDomain: CLUSTER_DOMAIN, nodeResolvConf: resolvConf },
    facts: await factsOf(stateDir),
    files: kernel,
    clock,
    random,
    logger,
    nodeIp: config.ip,
    networkReady: network.serving,
  });
  const socket = await serveImages(images, config.imagesSocket);
  const following = informers.start();
  await aborted(options.signal);
  logger.info("agent stops", { node: config.nodeName });
  socket.close();
  for (const part of [agent, network, informers]) await part.close();
  await following;
  runtime.close();
  transport.close();
}

function supervisorOf(config: AgentConfig, kernel: Kernel, logger: Logger): SupervisorClient {
  return new SupervisorClient({
    kernel,
    clock,
    logger,
    stateDir: join(config.stateDir, "runtime"),
    cgroup: config.cgroup,
    node: process.execPath,
    program: ["--disable-warning=ExperimentalWarning", entryPoint("supervisor").pathname],
    environment: supervisorEnvironment(),
  });
}

function factsOf(stateDir: string): ReturnType<typeof machineFacts> {
  return machineFacts({
    stateDir,
    cpus: cpus().length,
    totalMemoryBytes: totalmem(),
    architecture: ociArchitecture(),
    kernelVersion: release(),
    kubeletVersion: KUBERNETES_VERSION,
    runtimeVersion: `naru://${NARU_VERSION}`,
  });
}

async function accessOf(config: AgentConfig) {
  return {
    address: config.server,
    authority: await readFile(config.authority, "utf8"),
    certificate: await readFile(config.certificate, "utf8"),
    key: await readFile(config.key, "utf8"),
  };
}

function openImages(config: AgentConfig, logger: Logger): Promise<Images> {
  return Images.open({
    root: join(config.stateDir, "images"),
    unpackWorker: entryPoint("unpack"),
    registry: {
      fetch,
      clock,
      plainHttpHosts: new Set(config.plainHttpRegistries),
      hasOwnLoopback: config.hasOwnNetwork,
    },
    architecture: ociArchitecture(),
    clock,
    logger,
  });
}

function ociArchitecture(): "amd64" | "arm64" {
  return arch() === "arm64" ? "arm64" : "amd64";
}

/** Enough to be found by `naru down`, and nothing of ours beyond that. */
function supervisorEnvironment(): Readonly<Record<string, string | undefined>> {
  const kept = ["PATH", "NODE_COMPILE_CACHE", DATA_DIR_VARIABLE];
  return Object.fromEntries(kept.map((name) => [name, process.env[name]]));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
