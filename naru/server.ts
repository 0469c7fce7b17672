/** The server's programs with the real clock, store and network: all in one process, or each alone. */
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { Client, EventRecorder, Informers, runAsLeader } from "#client";
import { jsonLogger, type Logger } from "#lib/logger";
import { Registry } from "#lib/metrics";
import { signingKey } from "#lib/signing-key";
import { systemClock as clock } from "#lib/system-clock";
import { systemRandom as random } from "#lib/system-random";
import { choosePlugins } from "../apiserver/admission/choice.ts";
import { EncryptedStore } from "../apiserver/encryption/encrypted-store.ts";
import { Encryption } from "../apiserver/encryption/encryption.ts";
import { type ApiServer, type ApiServerOptions, startApiServer } from "../apiserver/server.ts";
import { openStore } from "../apiserver/storage/open-store.ts";
import type { Store } from "../apiserver/storage/store.ts";
import { grpcTransport } from "../client/transport/grpc.ts";
import { startControllers } from "../controllers/index.ts";
import { startScheduler } from "../scheduler/index.ts";
import { accountUser, clientOfAccount, inProcess } from "./accounts.ts";
import { apiParts, frontProxyParts, versionInfo } from "./api-parts.ts";
import { auditorOf } from "./audit.ts";
import { authenticationOf } from "./authentication.ts";
import type { ServerConfig } from "./config.ts";
import { readEncryptionConfig } from "./encryption.ts";
import { registerProcessMetrics } from "./process-metrics.ts";

export type ServerPart = "apiserver" | "controllers" | "scheduler";

export interface RunOptions {
  readonly config: unknown;
  /** Takes one line of the log. */
  readonly write: (line: string) => void;
  readonly debug: boolean;
  /** Ends the program, gracefully. */
  readonly signal: AbortSignal;
}

/** Runs until the signal aborts. */
export async function runServer(
  options: RunOptions & { readonly parts: readonly ServerPart[] },
): Promise<void> {
  const config = options.config as ServerConfig;
  const logger = jsonLogger({ debug: options.debug, nowMs: clock.nowMs, write: options.write });
  const stop = new AbortController();
  const loops = options.parts.filter((part) => part !== "apiserver");
  const signals = { stop: stop.signal, stopping: options.signal };
  const server = options.parts.includes("apiserver")
    ? await startApi(config, logger, loops, signals)
    : undefined;
  const running =
    loops.length === 0 ? [] : await startLoops(config, logger, server, loops, options.signal);
  await aborted(options.signal);
  logger.info("server stops");
  await Promise.all(running);
  stop.abort();
  await server?.close();
}

async function startApi(
  config: ServerConfig,
  logger: Logger,
  loops: readonly ServerPart[],
  { stop, stopping }: { readonly stop: AbortSignal; readonly stopping: AbortSignal },
): Promise<ApiServer> {
  const { grpcPort, host, restPort, serviceCidr, tls } = config;
  const auditor = await auditorOf(config.audit, { clock, random, logger });
  const store = await storeOf(config, logger);
  const registry = new Registry();
  registerProcessMetrics(registry);
  return startApiServer({
    store,
    registry,
    host,
    restPort,
    grpcPort,
    tls: {
      certificate: await readFile(tls.certificate, "utf8"),
      key: await readFile(tls.key, "utf8"),
      clientAuthority: await readFile(tls.authority, "utf8"),
    },
    ...(await frontProxyOf(config)),
    clock,
    random,
    logger,
    version: versionInfo(),
    parts: apiParts({
      serviceCidr,
      signal: stop,
      tokenKey: await readFile(config.tokenKey, "utf8"),
      plugins: choosePlugins(config.admission ?? {}),
      authentication: await authenticationOf(config.authentication ?? {}),
    }),
    stopping,
    serviceCidr,
    ...(auditor === undefined ? {} : { auditor }),
    inProcess: isAlone(config) ? loops.map((part) => COMPONENTS[part] ?? part) : [],
  });
}

async function storeOf(config: ServerConfig, logger: Logger): Promise<Store> {
  const { dataDir, datastore, encryptionProviderConfig: path } = config;
  const encryption = path === undefined ? undefined : await readEncryptionConfig(path);
  const store = await openStore(datastore, { dataDir, clock, logger });
  if (encryption === undefined) return store;
  return new EncryptedStore(store, new Encryption(encryption, random));
}

async function frontProxyOf({
  frontProxy,
}: ServerConfig): Promise<Pick<ApiServerOptions, "frontProxy" | "requestHeader">> {
  return frontProxyParts({
    authority: await readFile(frontProxy.authorityPath, "utf8"),
    certificate: await readFile(frontProxy.certificatePath, "utf8"),
    key: await readFile(frontProxy.keyPath, "utf8"),
  });
}

/** Kubernetes' names of what goes by another here. */
const COMPONENTS: Partial<Record<ServerPart, string>> = { controllers: "controller-manager" };

/** Over a store of its own there is no other server, and nobody to elect a leader with. */
function isAlone({ datastore }: ServerConfig): boolean {
  return !datastore.includes("://");
}

/** Controllers and scheduler: each leads its own lease, so that only one of several servers acts. */
async function startLoops(
  config: ServerConfig,
  logger: Logger,
  server: ApiServer | undefined,
  parts: readonly ServerPart[],
  signal: AbortSignal,
): Promise<readonly Promise<void>[]> {
  const connection = await connect(config, server);
  const { client } = connection;
  const informers = new Informers({ client, clock, random, logger });
  const lead = (part: ServerPart) => (leading: AbortSignal) =>
    runLoop(
      part,
      { ...connection, informers, logger: logger.child({ component: part }), config },
      leading,
    );
  const running = parts.map((part) => {
    // Over a store of its own the API server's process is the only one there is.
    if (server !== undefined && isAlone(config)) return lead(part)(signal);
    const identity = `${hostname()}-${process.pid}`;
    const election = {
      client,
      clock,
      logger,
      namespace: "kube-system",
      name: `naru-${part}`,
      identity,
    };
    return runAsLeader(election, lead(part), signal);
  });
  const following = informers.start();
  return [...running, following, aborted(signal).then(() => informers.close())];
}

async function connect(config: ServerConfig, server: ApiServer | undefined): Promise<Connection> {
  if (server !== undefined) {
    return {
      client: new Client(inProcess(server, "system:naru", ["system:masters"])),
      actingAs: (account) => clientOfAccount(server, account),
    };
  }
  const { client, host, grpcPort, tls } = config;
  const transport = grpcTransport({
    address: `${host}:${grpcPort}`,
    authority: await readFile(tls.authority, "utf8"),
    certificate: await readFile(client?.certificate ?? "", "utf8"),
    key: await readFile(client?.key ?? "", "utf8"),
  });
  return {
    client: new Client(transport),
    actingAs: (account) => new Client(transport.as(accountUser(account).name)),
  };
}

interface Connection {
  readonly client: Client;
  readonly actingAs: (account: string) => Client;
}

interface LoopDeps extends Connection {
  readonly informers: Informers;
  readonly logger: Logger;
  readonly config: ServerConfig;
}

async function runLoop(part: ServerPart, deps: LoopDeps, signal: AbortSignal): Promise<void> {
  const { actingAs, client, config, informers, logger } = deps;
  const common = { client, clock, random, logger };
  const context = { ...common, informers };
  const { nodeGraceMs } = config;
  const authority = await readFile(config.tls.authority, "utf8");
  const loop =
    part === "scheduler"
      ? startScheduler({
          ...context,
          recorder: new EventRecorder({ ...common, component: "default-scheduler" }),
        })
      : startControllers({
          ...context,
          actingAs,
          accountTokens: { key: signingKey(await readFile(config.tokenKey, "utf8")), authority },
          authority,
          signer: {
            certificate: authority,
            key: await readFile(config.tls.authorityKey, "utf8"),
          },
          ...(nodeGraceMs === undefined ? {} : { nodeGraceMs }),
        });
  await aborted(signal);
  await loop.close();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
