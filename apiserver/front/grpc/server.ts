/** The front for Naru's own programs: gRPC over mutual TLS, with the nodes' tunnels on the same port. */
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
} from "@grpc/grpc-js";
import type { Logger } from "#lib/logger";
import { StatusError } from "#lib/status-error";
import {
  type ApiServer,
  ApiService,
  type ApiWatchRequest,
  type ApiWatchResponse,
  type Envelope,
  type Target,
  type WriteOptions,
} from "#services/api";
import {
  type ListenRequest,
  type NodeTunnelServer,
  NodeTunnelService,
  type SessionFrame,
  type SessionRequest,
} from "#services/tunnel";
import { audited, type Peer } from "../../audit/audited-call.ts";
import type { Auditor } from "../../audit/auditor.ts";
import { certificateUser } from "../../authn/client-certificate.ts";
import { impersonated } from "../../authn/impersonation.ts";
import { remove } from "../../chain/delete.ts";
import { removeCollection } from "../../chain/delete-collection.ts";
import { createAny, getAny, patchAny, updateAny } from "../../chain/dispatch.ts";
import { list } from "../../chain/list.ts";
import type { Published } from "../../chain/published.ts";
import type { Call, Steps, User } from "../../chain/steps.ts";
import type { FlowControl } from "../../fairness/flow-control.ts";
import type { Tunnel } from "../../proxy/tunnel.ts";
import type { TlsFiles } from "../rest/server.ts";
import { publicError } from "../status.ts";
import { type Asking, admitted } from "./admitting.ts";
import { callOf, deleteOptionsOf, type Listed, listingOf, patchOf, selectionOf } from "./decode.ts";
import { envelopeOf } from "./envelope.ts";
import { serviceError } from "./failure.ts";
import { writeWatch } from "./watch-stream.ts";

export interface GrpcOptions {
  readonly steps: Steps;
  readonly tls: TlsFiles;
  readonly host: string;
  readonly port: number;
  readonly tunnel: Tunnel;
  readonly flowControl: FlowControl;
  /** Undefined when nothing is recorded. */
  readonly auditor: Auditor | undefined;
  readonly logger: Logger;
}

export interface GrpcFront {
  readonly port: number;
  close(): Promise<void>;
}

/** Lists of a whole cluster are one message. */
const MESSAGE_BYTES_MAX = 256 * 1024 * 1024;
/** A node behind NAT must not lose its connection to a router that forgets idle ones. */
const KEEPALIVE_MS = 30_000;

export async function startGrpc(options: GrpcOptions): Promise<GrpcFront> {
  const server = new Server({
    "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
    "grpc.max_send_message_length": MESSAGE_BYTES_MAX,
    "grpc.keepalive_time_ms": KEEPALIVE_MS,
  });
  const closing = new AbortController();
  server.addService(ApiService, apiService(options, closing.signal));
  server.addService(NodeTunnelService, tunnelService(options));
  const { certificate, key, clientAuthority } = options.tls;
  const credentials = ServerCredentials.createSsl(
    Buffer.from(clientAuthority),
    [{ cert_chain: Buffer.from(certificate), private_key: Buffer.from(key) }],
    true,
  );
  const port = await bindPort(server, `${options.host}:${options.port}`, credentials);
  return {
    port,
    close: async () => {
      closing.abort();
      // Listening agents would keep the server open for ever.
      server.forceShutdown();
    },
  };
}

function bindPort(
  server: Server,
  address: string,
  credentials: ServerCredentials,
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

/** How calls are made of requests, recorded, and let in. */
function handlers(options: GrpcOptions) {
  const { auditor, flowControl, steps } = options;
  const { resources } = steps;
  const begun = <T>(
    asking: Asking & Pick<Requester, "impersonator">,
    work: (call: Call) => Promise<T>,
  ): Promise<T> => {
    const { impersonator, stream, verb } = asking;
    const caller = { verb, peer: () => peerOf(stream), impersonator };
    return audited(auditor, asking.call, caller, (call) =>
      admitted(flowControl, { ...asking, call }, work),
    );
  };
  const answer = <Request extends Targeted, Response>(
    verb: string,
    work: (call: Call, request: Request) => Promise<Response>,
    listed?: (request: Request) => Listed | undefined,
  ) =>
    unary<Request, Response>(options, async ({ impersonator, user }, stream) => {
      const { request } = stream;
      const call = callOf({ user, resources }, request.target);
      const list = listed === undefined ? {} : { list: listingOf(call, listed(request)) };
      const asking = { call, verb, stream, impersonator, ...list };
      return begun(asking, (allowed) => work(allowed, request));
    });
  const write = <Request extends Written>(
    verb: string,
    work: (call: Call, request: Request) => Promise<Published>,
  ) =>
    unary<Request, WriteResponse>(options, async ({ impersonator, user }, stream) => {
      const { request } = stream;
      const warnings: string[] = [];
      const warn = (text: string): number => warnings.push(text);
      const call = { ...callOf({ user, resources }, request.target, request.options), warn };
      const asking = { call, verb, stream, impersonator };
      const made = await begun(asking, (allowed) => work(allowed, request));
      return { object: envelopeOf(call.resource, made), warnings };
    });
  return { answer, write };
}

function apiService(options: GrpcOptions, closing: AbortSignal): ApiServer {
  const { auditor, flowControl, steps } = options;
  const { answer, write } = handlers(options);
  return {
    get: answer("get", async (call) => ({
      object: envelopeOf(call.resource, await getAny(steps, call)),
    })),
    list: answer(
      "list",
      async (call, request) => {
        const found = await list(steps, call, selectionOf(request.options));
        return {
          items: found.items.map((item) => envelopeOf(call.resource, item)),
          resourceVersion: String(found.revision),
          continue: found.continue ?? "",
          remainingItemCount: found.remainingItemCount,
        };
      },
      (request) => request.options,
    ),
    watch: (stream: ServerWritableStream<ApiWatchRequest, ApiWatchResponse>) => {
      void serveStream(stream, options, async ({ impersonator, user }) => {
        const { request } = stream;
        const call = callOf({ user, resources: steps.resources }, request.target);
        const caller = { verb: "watch", peer: () => peerOf(stream), impersonator };
        const list = request.sendInitialEvents ? { list: listingOf(call, request) } : {};
        await audited(auditor, call, caller, (asked) =>
          admitted(
            flowControl,
            { call: asked, verb: "watch", stream, ...list },
            (allowed, started) => writeWatch({ steps, call: allowed, stream, closing, started }),
          ),
        );
      });
    },
    create: write("create", (call, request) => createAny(steps, call, request.json)),
    update: write("update", (call, request) => updateAny(steps, call, request.json)),
    patch: write("patch", (call, request) => patchAny(steps, call, patchOf(request))),
    delete: answer("delete", async (call, request) => {
      const { gone, object } = await remove(steps, call, deleteOptionsOf(request.options));
      return { object: gone ? undefined : envelopeOf(call.resource, object) };
    }),
    deleteCollection: answer(
      "deletecollection",
      async (call, request) => {
        const selection = selectionOf(request.list);
        await removeCollection(steps, call, selection, deleteOptionsOf(request.options));
        return {};
      },
      (request) => request.list,
    ),
  };
}

interface Targeted {
  readonly target: Target | undefined;
}

interface Written extends Targeted {
  readonly options: WriteOptions | undefined;
}

interface WriteResponse {
  readonly object: Envelope;
  readonly warnings: readonly string[];
}

const NODE_USER = "system:node:";

function tunnelService(options: GrpcOptions): NodeTunnelServer {
  const { tunnel } = options;
  return {
    listen: (stream: ServerWritableStream<ListenRequest, SessionRequest>) => {
      void serveStream(stream, options, async ({ user }) => {
        tunnel.listen(nodeOf(user), stream);
        // The agent waits for the head to know that it can be reached.
        stream.sendMetadata(new Metadata());
      });
    },
    session: (stream: ServerDuplexStream<SessionFrame, SessionFrame>) => {
      void serveStream(stream, options, ({ user }) => tunnel.accept(nodeOf(user), stream));
    },
  };
}

function nodeOf(user: User): string {
  if (user.name.startsWith(NODE_USER) && user.groups.includes("system:nodes"))
    return user.name.slice(NODE_USER.length);
  throw new StatusError("Forbidden", `user "${user.name}" is no node, and only nodes open tunnels`);
}

function unary<Request, Response>(
  options: GrpcOptions,
  handle: (who: Requester, call: ServerUnaryCall<Request, Response>) => Promise<Response>,
) {
  return (call: ServerUnaryCall<Request, Response>, done: sendUnaryData<Response>): void => {
    void (async () => {
      try {
        done(null, await handle(await requesterOf(options, call), call));
      } catch (error) {
        done(failure(options.logger, error));
      }
    })();
  };
}

async function serveStream(
  stream: ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>,
  options: GrpcOptions,
  handle: (who: Requester) => Promise<void>,
): Promise<void> {
  try {
    await handle(await requesterOf(options, stream));
  } catch (error) {
    stream.emit("error", failure(options.logger, error));
  }
}

function failure(logger: Logger, error: unknown) {
  const shown = publicError(error);
  if (shown.reason === "InternalError") {
    const stack = error instanceof Error ? error.stack : String(error);
    logger.error("call failed", { stack });
  }
  return serviceError(shown);
}

/** From where, and with what program. */
function peerOf(call: Pick<ServerUnaryCall<unknown, unknown>, "getPeer" | "metadata">): Peer {
  const address = call
    .getPeer()
    .replace(/:\d+$/, "")
    .replace(/^\[|\]$/g, "");
  const [userAgent] = call.metadata.get("user-agent");
  return {
    sourceIPs: [address],
    ...(userAgent === undefined ? {} : { userAgent: String(userAgent) }),
  };
}

interface Requester {
  readonly user: User;
  /** Who really called, where that is somebody else. */
  readonly impersonator: User | undefined;
}

type Called = Pick<ServerUnaryCall<unknown, unknown>, "getAuthContext" | "metadata">;

/** `impersonate-user` and the like are what the headers of these names are to the REST front. */
async function requesterOf({ steps }: GrpcOptions, call: Called): Promise<Requester> {
  const user = userOf(call);
  // Nearly all calls are their caller's own.
  if (call.metadata.get("impersonate-user").length === 0) return { user, impersonator: undefined };
  const headers = Object.entries(call.metadata.getMap()).flatMap(([name, value]) => [
    name,
    String(value),
  ]);
  return { user: await impersonated(steps.authorizer, user, headers), impersonator: user };
}

/** The server takes no connection without a certificate of our authority, so there is one. */
function userOf(call: Pick<ServerUnaryCall<unknown, unknown>, "getAuthContext">): User {
  const certificate = call.getAuthContext().sslPeerCertificate;
  const user = certificateUser({ authorized: true, getPeerCertificate: () => certificate });
  if (user === undefined) throw new StatusError("Unauthorized", "Unauthorized");
  return user;
}
