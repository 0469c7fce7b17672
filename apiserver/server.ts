/** The API server as one object: fronts over one chain over one store. */
import type { Clock } from "#lib/clock";
import { type Logger, silentLogger } from "#lib/logger";
import { Registry } from "#lib/metrics";
import { type Random, uuid } from "#lib/random";
import type { Poster } from "./admission/webhooks/post.ts";
import { Aggregation } from "./aggregation/aggregation.ts";
import type { ProxyCredential } from "./aggregation/extension-server.ts";
import { emptyNamespace } from "./aggregation/namespace-contents.ts";
import type { Auditor } from "./audit/auditor.ts";
import { type AccountTokenOptions, AccountTokens } from "./authn/accounts/account-tokens.ts";
import { NO_TOKENS } from "./authn/accounts/no-tokens.ts";
import { type AuthenticationOptions, tokenAuthenticators } from "./authn/authenticators.ts";
import { oidcDocuments } from "./authn/oidc-documents.ts";
import type { RequestHeaderOptions } from "./authn/request-header.ts";
import type { TokenAuthenticators } from "./authn/token-authenticator.ts";
import { withoutEscalation } from "./authz/escalation.ts";
import { createBootstrapObjects, LOOPBACK } from "./bootstrap/bootstrap.ts";
import { tellExtensions } from "./bootstrap/extension-authentication.ts";
import { CachedObjects } from "./cache/cached-objects.ts";
import { type Core, makeCore } from "./chain/core.ts";
import { withFaces } from "./chain/faces.ts";
import type {
  Admission,
  AdmissionAccess,
  Authorizer,
  Elsewhere,
  Patcher,
  Reader,
  Rules,
  Steps,
} from "./chain/steps.ts";
import { converterOf } from "./custom/conversion.ts";
import { withCustomKinds } from "./custom/custom-objects.ts";
import { Definitions } from "./custom/definitions.ts";
import { LiveResources } from "./custom/live-resources.ts";
import { Discovery, type VersionInfo } from "./discovery/discovery.ts";
import { OpenApi, type OpenApiSource } from "./discovery/openapi.ts";
import { dumpDocuments } from "./fairness/dump.ts";
import { FlowControl } from "./fairness/flow-control.ts";
import type { GrpcFront, GrpcOptions } from "./front/grpc/server.ts";
import { startRest, type TlsFiles } from "./front/rest/server.ts";
import { healthChecks } from "./health/checks.ts";
import { withComponentStatuses } from "./health/component-statuses.ts";
import { Health } from "./health/health.ts";
import { listening } from "./listening.ts";
import { RequestMetrics } from "./metrics/request-metrics.ts";
import { registerServerMetrics } from "./metrics/server-metrics.ts";
import { podStreams } from "./proxy/streams.ts";
import { Tunnel } from "./proxy/tunnel.ts";
import { reviewer } from "./reviewer.ts";
import { ServiceRepair } from "./services/repair.ts";
import { withServiceRecords } from "./services/with-records.ts";
import type { Store } from "./storage/store.ts";
import { withMeasuredKinds } from "./usage/measured-kinds.ts";
import { NO_USAGE, type NodeUsage, tunnelUsage } from "./usage/node-usage.ts";

/** What decides, as functions: handed in, so that a simulation or a test can put others in their place. */
export interface Parts {
  readonly authorizer: (reader: Reader) => Authorizer;
  readonly admission: (access: AdmissionAccess) => Admission;
  readonly rules: Rules;
  readonly patcher: Patcher;
  readonly openApi: OpenApiSource;
  /** Reaches the webhooks that convert custom objects. */
  readonly post: Poster;
  /** Signs service accounts' tokens, and recognises them. Left out: there are none. */
  readonly tokens?: Pick<AccountTokenOptions, "issuer" | "key">;
  /** Further kinds of tokens that are taken. */
  readonly authentication?: AuthenticationOptions;
}

export interface ApiServerOptions {
  readonly store: Store;
  readonly tls: TlsFiles;
  readonly host: string;
  /** 0 takes any free port. */
  readonly restPort: number;
  /** Left out: there is no gRPC front, and its library is not loaded. */
  readonly grpcPort?: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly version: VersionInfo;
  /** By which extension API servers know this one, PEM. Left out: they do not. */
  readonly frontProxy?: ProxyCredential;
  /** Proxies that may name users, to this server and to extension API servers. Left out: there are none. */
  readonly requestHeader?: RequestHeaderOptions;
  readonly parts: Parts;
  /** Aborts when the program begins to end: from then on the server is not ready. */
  readonly stopping?: AbortSignal;
  /** Of the services' addresses, as `10.96.0.0/16`; its first is the one that pods reach the server by. */
  readonly serviceCidr: string;
  /** What nodes use. Left out: their agents are asked. */
  readonly nodeUsage?: NodeUsage;
  /** With what is to be told besides the server's own. */
  readonly registry?: Registry;
  /** Nothing is recorded, if absent. Closed with the server. */
  readonly auditor?: Auditor;
  /** The cluster's other programs that run in this process, by Kubernetes' names: `scheduler`, `controller-manager`. */
  readonly inProcess?: readonly string[];
}

export interface ApiServer {
  readonly core: Core;
  readonly restPort: number;
  /** Undefined without a gRPC front. */
  readonly grpcPort: number | undefined;
  close(): Promise<void>;
}

export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const begun: { close(): unknown }[] = [];
  const kept: Keep = (each) => {
    begun.push(each);
    return each;
  };
  try {
    return await start(options, kept);
  } catch (error) {
    for (const each of begun.toReversed()) each.close();
    throw error;
  }
}

/** Remembers what has to be ended if the rest cannot be started. */
type Keep = <T extends { close(): unknown }>(each: T) => T;

async function start(options: ApiServerOptions, kept: Keep): Promise<ApiServer> {
  const { store, tls, host, clock, random, logger, version } = options;
  const tunnel = new Tunnel({ clock, newId: () => uuid(random) });
  const nodeUsage = tunnelUsage({ tunnel, clock, logger });
  const { registry = new Registry() } = options;
  const elsewhere: Elsewhere = {
    emptyNamespace: (name) => emptyNamespace(aggregation.extensions.all(), name, clock),
  };
  const assembled = await assemble({ nodeUsage, elsewhere, ...options, registry }, kept);
  const { accountTokens, authenticators, core, definitions, resources, stored } = assembled;
  const { steps } = core;
  let { restPort } = options;
  registerServerMetrics(registry, { objects: stored, auditor: options.auditor, version });
  const checks = healthChecks({ store, logger, objects: stored, stopping: options.stopping });
  const aggregation = kept(await bootstrapped(assembled, tunnel, options));
  const api = core.as(LOOPBACK);
  const repair = kept(
    await ServiceRepair.start({ core, api, serviceCidr: options.serviceCidr, logger }),
  );
  const flowControl = kept(await followFlowControl(assembled, logger));
  const oidc = await oidcDocuments(accountTokens, () => `https://${host}:${restPort}`);
  const discovery = new Discovery({
    version,
    metrics: () => registry.text(),
    health: new Health({ checks, clock, logger }),
    resources,
    services: aggregation.services,
    extensions: aggregation.extensions,
    openApi: new OpenApi(options.parts.openApi, resources, () => aggregation.extensions.all()),
    documents: (path) => oidc(path) ?? dumpDocuments(path, flowControl.dispatcher.levels),
  });
  const common = { steps, tls, host, logger, flowControl, auditor: options.auditor };
  const rest = await listening("the API server", options.restPort, () =>
    startRest({
      ...{ ...common, discovery, aggregation, streams: podStreams({ steps, tunnel }) },
      metrics: new RequestMetrics(registry, () => clock.monotonicMs()),
      tokens: authenticators,
      port: options.restPort,
      requestHeader: options.requestHeader,
    }),
  );
  kept(rest);
  // The kernel's choice when 0 was asked for.
  restPort = rest.port;
  const grpc = await startGrpcFront({ ...common, port: options.grpcPort, tunnel });
  logger.info("API server ready", { host, restPort: rest.port, grpcPort: grpc?.port });
  return {
    core,
    restPort,
    grpcPort: grpc?.port,
    close: async () => {
      for (const each of [aggregation, definitions, repair, flowControl]) each.close();
      await Promise.all([rest.close(), grpc?.close()]);
      await options.auditor?.close();
      stored.close();
      await store.close();
    },
  };
}

function followFlowControl({ core, stored }: Assembled, logger: Logger): Promise<FlowControl> {
  const afterTurn = (callback: () => void) => void setImmediate(callback);
  return FlowControl.follow({
    ...{ core, logger, afterTurn },
    countOf: (resource) => stored.countOf(resource),
  });
}

/** What a cluster has from its first second. */
async function bootstrapped(
  { core, resources }: Assembled,
  tunnel: Tunnel,
  options: ApiServerOptions,
): Promise<Aggregation> {
  const { frontProxy: credential, logger, requestHeader, tls } = options;
  await createBootstrapObjects(core, options);
  await tellExtensions(core, { clientAuthority: tls.clientAuthority, requestHeader });
  return Aggregation.follow({ core, resources, tunnel, logger, credential });
}

async function startGrpcFront(
  options: Omit<GrpcOptions, "port"> & { readonly port: number | undefined },
): Promise<GrpcFront | undefined> {
  const { port } = options;
  if (port === undefined) return undefined;
  const { startGrpc } = await import("./front/grpc/server.ts");
  return listening("the API server's gRPC front", port, () => startGrpc({ ...options, port }));
}

/** The chain alone, without a wire: for simulations, and for programs that share a process with the server. */
export async function coreOver(
  options: Pick<ApiServerOptions, "store" | "clock" | "random" | "parts"> &
    Partial<Pick<ApiServerOptions, "auditor" | "inProcess" | "logger" | "nodeUsage" | "registry">>,
): Promise<Core> {
  return (await assemble(options)).core;
}

interface Assembled {
  readonly core: Core;
  readonly stored: CachedObjects;
  readonly definitions: Definitions;
  readonly resources: LiveResources;
  readonly authenticators: TokenAuthenticators;
  readonly accountTokens: AccountTokens | undefined;
}

async function assemble(
  options: Parameters<typeof coreOver>[0] & { readonly elsewhere?: Elsewhere },
  kept: Keep = (each) => each,
): Promise<Assembled> {
  const {
    auditor,
    elsewhere,
    store,
    clock,
    random,
    parts,
    logger = silentLogger,
    nodeUsage = NO_USAGE,
    registry = new Registry(),
  } = options;
  const stored = kept(await CachedObjects.open(store, clock, logger));
  const faced = withFaces(withServiceRecords(stored, { clock, random }));
  const calling = { reader: faced, clock, random, post: parts.post };
  const resources = new LiveResources((definition) => converterOf(definition, calling));
  const objects = withCustomKinds(faced);
  const authorizer = parts.authorizer(objects);
  const common = { rules: parts.rules, clock, random, resources };
  const access: AdmissionAccess = {
    ...common,
    reader: objects,
    writer: objects,
    authorizer,
    logger,
    registry,
  };
  const accountTokens = parts.tokens && new AccountTokens({ ...parts.tokens, clock, random });
  const authenticators = tokenAuthenticators(parts.authentication ?? {}, {
    reader: objects,
    clock,
    accounts: accountTokens,
  });
  const steps: Steps = {
    authorizer,
    admission: withoutEscalation(parts.admission(access), authorizer),
    rules: parts.rules,
    reviewer: reviewer(authorizer, authenticators),
    tokens: accountTokens ?? NO_TOKENS,
    patcher: parts.patcher,
    reader: withComponentStatuses(withMeasuredKinds(objects, nodeUsage), {
      store,
      clock,
      inProcess: options.inProcess ?? [],
    }),
    writer: objects,
    resources,
    clock,
    random,
    ...(elsewhere === undefined ? {} : { elsewhere }),
    ...(store.isStale === undefined ? {} : { isStale: (key) => store.isStale?.(key) === true }),
  };
  const core = makeCore(steps, auditor);
  const definitions = kept(await Definitions.follow({ core, resources, logger }));
  return { core, stored, definitions, authenticators, accountTokens, resources };
}
