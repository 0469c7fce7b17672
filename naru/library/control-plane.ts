/** Everything of a cluster but its machines, in this process and in memory. */
import { setImmediate } from "node:timers/promises";
import { Client, EventRecorder, Informers, type Transport } from "#client";
import type { Logger } from "#lib/logger";
import { signingKey } from "#lib/signing-key";
import { systemClock as clock } from "#lib/system-clock";
import { systemRandom as random } from "#lib/system-random";
import type { Resource } from "#resources";
import { type ApiServer, startApiServer } from "../../apiserver/server.ts";
import { MemoryStore } from "../../apiserver/storage/memory/memory-store.ts";
import { NO_USAGE, type NodeUsage } from "../../apiserver/usage/node-usage.ts";
import { startControllers } from "../../controllers/index.ts";
import { HollowNodes } from "../../nodeagent/hollow/hollow-nodes.ts";
import { startScheduler } from "../../scheduler/index.ts";
import { clientOfAccount } from "../accounts.ts";
import { apiParts, frontProxyParts, versionInfo } from "../api-parts.ts";
import type { FrontProxyFiles } from "../pki/front-proxy.ts";
import type { Credential } from "../pki/issue.ts";
import { newTokenKey } from "../pki/token-key.ts";
import { KUBERNETES_VERSION } from "../version.ts";

export interface ControlPlaneOptions {
  readonly authority: Credential;
  readonly serving: Credential;
  readonly frontProxy: FrontProxyFiles;
  readonly nodes: number;
  readonly logger: Logger;
}

export interface ControlPlane {
  readonly server: ApiServer;
  /** Without a wire, as an administrator. */
  readonly client: Client;
  /** All that is served now, custom kinds too. */
  readonly kinds: () => readonly Resource[];
  clientAs(name: string, groups: readonly string[]): Client;
  /** Nothing of it is left when this resolves. */
  close(): Promise<void>;
}

/** The address that API server and clients share. */
export const HOST = "127.0.0.1";
const SERVICE_CIDR = "10.96.0.0/16";

export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { authority, logger, serving } = options;
  const stop = new AbortController();
  const tokenKey = newTokenKey();
  let nodeUsage = NO_USAGE;
  const server = await startApiServer({
    store: new MemoryStore(clock),
    host: HOST,
    restPort: 0,
    tls: {
      certificate: serving.certificate,
      key: serving.key,
      clientAuthority: authority.certificate,
    },
    clock,
    random,
    logger,
    version: versionInfo(),
    parts: apiParts({
      serviceCidr: SERVICE_CIDR,
      signal: stop.signal,
      tokenKey,
    }),
    serviceCidr: SERVICE_CIDR,
    inProcess: ["controller-manager", "scheduler"],
    ...frontProxyParts(options.frontProxy),
    nodeUsage: (node) => nodeUsage(node),
  });
  const clientAs = (name: string, groups: readonly string[]): Client =>
    new Client(server.core.as({ name, groups }) as unknown as Transport);
  const client = clientAs("system:naru", ["system:masters"]);
  const actingAs = (account: string): Client => clientOfAccount(server, account);
  const loops = await startLoops({ client, actingAs }, options, tokenKey);
  nodeUsage = loops.nodeUsage;
  return {
    server,
    client,
    kinds: () => server.core.steps.resources.all(),
    clientAs,
    close: async () => {
      await loops.close();
      stop.abort();
      await server.close();
      // The loop lets go of a closed listener at the end of a turn: this one's, seen from the next.
      await setImmediate();
      await setImmediate();
    },
  };
}

async function startLoops(
  { actingAs, client }: { readonly client: Client; readonly actingAs: (account: string) => Client },
  { authority: signer, logger, nodes }: ControlPlaneOptions,
  tokenKey: string,
): Promise<{ readonly nodeUsage: NodeUsage; close(): Promise<void> }> {
  const informers = new Informers({ client, clock, random, logger });
  const context = (component: string) => {
    const common = { client, clock, random, logger };
    return { ...common, informers, recorder: new EventRecorder({ ...common, component }) };
  };
  const controllers = startControllers({
    client,
    informers,
    clock,
    random,
    logger,
    actingAs,
    authority: signer.certificate,
    signer,
    accountTokens: { key: signingKey(tokenKey), authority: signer.certificate },
  });
  const scheduler = startScheduler(context("default-scheduler"));
  const hollow = new HollowNodes({
    ...context("kubelet"),
    kubeletVersion: KUBERNETES_VERSION,
  });
  await informers.start();
  await hollow.start(nodes);
  return {
    nodeUsage: (node) => hollow.usage(node),
    close: async () => {
      await hollow.close();
      scheduler.close();
      await controllers.close();
      await informers.close();
    },
  };
}
