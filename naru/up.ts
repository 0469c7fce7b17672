/** Starts a cluster on this machine. Every step looks first what is there, so that `up` may be repeated after anything. */
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { isConditionTrue } from "#lib/api/condition";
import { type Clock, sleep } from "#lib/clock";
import { ConfigError } from "#lib/config-document";
import type { Node } from "#proto/core/v1";
import { nodes } from "#resources";
import { choosePlugins, PluginChoiceError } from "../apiserver/admission/choice.ts";
import { StaticTokens } from "../apiserver/authn/static-tokens.ts";
import { grpcTransport } from "../client/transport/grpc.ts";
import { linuxKernel } from "../nodeagent/kernel/linux.ts";
import { networkNames } from "../nodeagent/network/names.ts";
import {
  createMachineNetwork,
  createNodeNetwork,
  nodeNetnsPath,
  routeServices,
} from "../nodeagent/network/node-network.ts";
import { readAuditFiles } from "./audit.ts";
import { authenticationOf } from "./authentication.ts";
import {
  type ClusterPlan,
  type ClusterRequest,
  type NodePlan,
  planCluster,
} from "./cluster-plan.ts";
import type { AdmissionConfig, AgentConfig, AuthenticationConfig, ServerConfig } from "./config.ts";
import { readEncryptionConfig } from "./encryption.ts";
import { kubeconfigText } from "./kubeconfig.ts";
import { lastWordsOf } from "./last-words.ts";
import type { Layout } from "./layout.ts";
import { type ClusterCertificates, ensureCertificates } from "./pki/certificates.ts";
import { isRunning, type Program, startProgram } from "./program.ts";

/** Something about the machine or the request that the user can mend. */
export class UpError extends Error {
  override readonly name = "UpError";
}

export interface UpOptions {
  readonly layout: Layout;
  readonly request: ClusterRequest;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** What is being done now, in a few words. */
  readonly progress: (text: string) => void;
}

export interface UpResult {
  readonly plan: ClusterPlan;
  /** False when everything ran already. */
  readonly changed: boolean;
}

export async function up(options: UpOptions): Promise<UpResult> {
  const { layout, progress } = options;
  // Before anything is written down that another try would have to differ from.
  await checkAuthentication(options.request.authentication ?? {});
  await checkFiles(options.request);
  checkAdmission(options.request.admission ?? {});
  const plan = await planOf(options);
  progress("certificates");
  const certificates = await ensureCertificates({
    directory: layout.pkiDir,
    serverNames: [
      "localhost",
      "kubernetes",
      "kubernetes.default",
      "kubernetes.default.svc",
      "kubernetes.default.svc.cluster.local",
      "127.0.0.1",
      plan.host,
      serviceIp(plan),
    ],
    nodeNames: plan.nodes.map((node) => node.name),
    clock: options.clock,
  });
  progress("network");
  await createNetwork(layout, plan);
  await writeConfigs(layout, plan, certificates);
  const started: string[] = [];
  const start = async (program: Program): Promise<void> => {
    if (isRunning(layout, program.name)) return;
    await startProgram(layout, program);
    started.push(program.name);
  };
  progress("starting the server and the nodes");
  const parameters = (name: string, config: string): readonly string[] => [
    name,
    "--config",
    configPath(layout, config),
  ];
  await start({
    name: "server",
    entryPoint: "server",
    parameters: parameters("server", "server"),
    netnsPath: undefined,
  });
  for (const node of plan.nodes) {
    const netns = node.pinDir === undefined ? undefined : nodeNetnsPath({ pinDir: node.pinDir });
    await start({
      name: `agent-${node.name}`,
      entryPoint: "agent",
      parameters: parameters("agent", node.name),
      netnsPath: netns,
    });
  }
  await untilReady(options, plan, certificates);
  return { plan, changed: started.length > 0 };
}

/** Before anything is started that would fail over it. */
async function checkAuthentication(config: AuthenticationConfig): Promise<void> {
  try {
    const { tokenFile = "" } = await authenticationOf(config);
    new StaticTokens(tokenFile);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UpError(`the files for authentication cannot be used: ${why}`, { cause: error });
  }
}

async function checkFiles({ audit, encryptionProviderConfig }: ClusterRequest): Promise<void> {
  try {
    if (audit !== undefined) await readAuditFiles(audit);
    if (encryptionProviderConfig !== undefined)
      await readEncryptionConfig(encryptionProviderConfig);
  } catch (error) {
    if (error instanceof ConfigError) throw new UpError(error.message, { cause: error });
    throw error;
  }
}

function checkAdmission(config: AdmissionConfig): void {
  try {
    choosePlugins(config);
  } catch (error) {
    if (error instanceof PluginChoiceError) throw new UpError(error.message, { cause: error });
    throw error;
  }
}

/** The plan of an earlier `up` stays in force, as far as this one asks for the same. */
async function planOf({ layout, request }: UpOptions): Promise<ClusterPlan> {
  if (existsSync(layout.clusterFile)) {
    const plan = JSON.parse(readFileSync(layout.clusterFile, "utf8")) as ClusterPlan;
    const differing = (Object.keys(request) as (keyof ClusterRequest)[]).filter(
      (key) => !isDeepStrictEqual(request[key], plan.request[key]),
    );
    if (differing.length === 0) return plan;
    const [key] = differing as [keyof ClusterRequest];
    throw new UpError(
      `the cluster in ${layout.dataDir} was started with ${key} ${shown(plan.request[key])}, not ${shown(request[key])}; end it first: naru down --data-dir ${layout.dataDir}`,
    );
  }
  const plan = planCluster(layout, request, machineAddresses());
  if (plan === undefined) {
    throw new UpError(
      "no address range is free for nodes, pods and services; end another cluster first: naru down",
    );
  }
  await mkdir(layout.dataDir, { recursive: true, mode: 0o700 });
  await replace(layout.clusterFile, JSON.stringify(plan, undefined, 2), 0o600);
  return plan;
}

function shown(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function machineAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flat()
    .filter((each) => each !== undefined && each.family === "IPv4" && !each.internal)
    .flatMap((each) => each?.cidr ?? []);
}

async function createNetwork(layout: Layout, plan: ClusterPlan): Promise<void> {
  const kernel = linuxKernel();
  const machine = { names: networkNames(layout.id), ip: plan.host, nodeCidr: plan.ranges.nodeCidr };
  await createMachineNetwork(kernel, machine);
  for (const { index, ip, pinDir, podCidr } of plan.nodes) {
    if (pinDir !== undefined)
      await createNodeNetwork(kernel, machine, { index, ip, pinDir, podCidr });
  }
  const [first] = plan.nodes;
  if (first?.pinDir !== undefined)
    await routeServices(kernel, machine, plan.ranges.serviceCidr, first);
}

async function writeConfigs(
  layout: Layout,
  plan: ClusterPlan,
  certificates: ClusterCertificates,
): Promise<void> {
  const { admin, authority, frontProxy, server } = certificates;
  const { request } = plan;
  const { encryptionProviderConfig } = request;
  await mkdir(join(layout.dataDir, "config"), { recursive: true, mode: 0o700 });
  const serverConfig: ServerConfig = {
    dataDir: layout.storeDir,
    datastore: request.datastore,
    host: plan.host,
    restPort: request.restPort,
    grpcPort: request.grpcPort,
    serviceCidr: plan.ranges.serviceCidr,
    tls: {
      authority: authority.certificatePath,
      authorityKey: authority.keyPath,
      certificate: server.certificatePath,
      key: server.keyPath,
    },
    frontProxy,
    tokenKey: certificates.tokenKeyPath,
    ...(request.authentication === undefined ? {} : { authentication: request.authentication }),
    ...(request.audit === undefined ? {} : { audit: request.audit }),
    ...(request.admission === undefined ? {} : { admission: request.admission }),
    ...(encryptionProviderConfig === undefined ? {} : { encryptionProviderConfig }),
    ...(request.nodeGraceMs === undefined ? {} : { nodeGraceMs: request.nodeGraceMs }),
  };
  await writeConfig(layout, "server", serverConfig);
  for (const node of plan.nodes)
    await writeConfig(layout, node.name, agentConfig(layout, plan, node, certificates));
  const text = kubeconfigText({
    server: `https://${plan.host}:${request.restPort}`,
    authority: authority.certificate,
    user: {
      certificate: await readFile(admin.certificatePath, "utf8"),
      key: await readFile(admin.keyPath, "utf8"),
    },
  });
  await replace(layout.kubeconfig, text, 0o600);
}

/** As Kubernetes: a few lost renewals are not a lost node. */
const RENEWALS_PER_GRACE = 4;

function agentConfig(
  layout: Layout,
  plan: ClusterPlan,
  node: NodePlan,
  { authority, nodes: nodeCertificates }: ClusterCertificates,
): AgentConfig {
  const own = nodeCertificates.get(node.name);
  const { nodeGraceMs } = plan.request;
  return {
    nodeName: node.name,
    stateDir: layout.nodeDir(node.name),
    clusterId: layout.id,
    server: `${plan.host}:${plan.request.grpcPort}`,
    authority: authority.certificatePath,
    certificate: own?.certificatePath ?? "",
    key: own?.keyPath ?? "",
    ip: node.ip,
    hasOwnNetwork: node.pinDir !== undefined,
    podCidr: node.podCidr,
    clusterCidr: plan.ranges.podCidr,
    serviceCidr: plan.ranges.serviceCidr,
    dnsIp: plan.dnsIp,
    cgroup: `${layout.cgroup}/${node.name}`,
    imagesSocket: layout.imagesSocket(node.name),
    plainHttpRegistries: [],
    ...(nodeGraceMs === undefined ? {} : { renewMs: Math.ceil(nodeGraceMs / RENEWALS_PER_GRACE) }),
  };
}

/** Waits until every node says that it is ready, telling which are not. */
async function untilReady(
  options: UpOptions,
  plan: ClusterPlan,
  certificates: ClusterCertificates,
): Promise<void> {
  const { clock, layout, progress, signal, timeoutMs } = options;
  const transport = grpcTransport({
    address: `${plan.host}:${plan.request.grpcPort}`,
    authority: certificates.authority.certificate,
    certificate: readFileSync(certificates.admin.certificatePath, "utf8"),
    key: readFileSync(certificates.admin.keyPath, "utf8"),
  });
  const deadlineMs = clock.monotonicMs() + timeoutMs;
  try {
    for (let waiting = plan.nodes.length; waiting > 0; ) {
      if (signal.aborted)
        throw new UpError("cancelled; what runs goes on, `naru up` continues, `naru down` ends it");
      if (clock.monotonicMs() > deadlineMs) throw new UpError(whyNotReady(layout, plan));
      const ready = await readyNodes(transport);
      waiting = plan.nodes.filter((node) => ready?.has(node.name) !== true).length;
      progress(
        ready === undefined
          ? "waiting for the API server"
          : `${plan.nodes.length - waiting} of ${plan.nodes.length} nodes ready`,
      );
      if (waiting > 0) await sleep(clock, POLL_MS, signal);
    }
  } finally {
    transport.close();
  }
}

const POLL_MS = 50;

/** Undefined while the API server does not answer. */
async function readyNodes(
  transport: ReturnType<typeof grpcTransport>,
): Promise<ReadonlySet<string> | undefined> {
  try {
    const { items } = await transport.list({ resource: nodes });
    const ready = (items as readonly Node[]).filter((node) =>
      isConditionTrue(node.status.conditions, "Ready"),
    );
    return new Set(ready.map((node) => node.metadata.name));
  } catch {
    // Not up yet, or just restarting: the deadline bounds it.
    return undefined;
  }
}

function whyNotReady(layout: Layout, plan: ClusterPlan): string {
  const programs = ["server", ...plan.nodes.map((node) => `agent-${node.name}`)];
  const reason = lastWordsOf(tail(layout.logFile("server")));
  if (reason !== undefined)
    return `the server cannot run: ${reason}; it goes on trying, to end it: naru down --data-dir ${layout.dataDir}`;
  const dead = programs.filter((name) => !isRunning(layout, name));
  const which = dead.length === 0 ? programs : dead;
  const state = dead.length === 0 ? "run, but the nodes are not ready" : "ended";
  const tails = which.map((name) => `--- ${layout.logFile(name)}\n${tail(layout.logFile(name))}`);
  return `the cluster did not get ready in time: ${which.join(", ")} ${state}. The ends of their logs:\n${tails.join("\n")}`;
}

const TAIL_LINES = 8;

function tail(path: string): string {
  if (!existsSync(path)) return "(empty)";
  return readFileSync(path, "utf8").trimEnd().split("\n").slice(-TAIL_LINES).join("\n");
}

function serviceIp(plan: ClusterPlan): string {
  return plan.ranges.serviceCidr.replace(/\d+\/\d+$/, "1");
}

function configPath(layout: Layout, name: string): string {
  return join(layout.dataDir, "config", `${name}.json`);
}

function writeConfig(
  layout: Layout,
  name: string,
  config: AgentConfig | ServerConfig,
): Promise<void> {
  return replace(configPath(layout, name), JSON.stringify(config, undefined, 2), 0o600);
}

async function replace(path: string, text: string, mode: number): Promise<void> {
  await writeFile(`${path}.new`, text, { mode });
  await rename(`${path}.new`, path);
}
