/** The Kubernetes front: HTTP/2 and HTTP/1.1 over TLS. */
import { createSecureServer, type Http2SecureServer, type Http2ServerRequest } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Logger } from "#lib/logger";
import { StatusError } from "#lib/status-error";
import type { Aggregation } from "../../aggregation/aggregation.ts";
import type { Extension } from "../../aggregation/extensions.ts";
import { type Forwarding, forward, forwardUpgrade } from "../../aggregation/forward.ts";
import type { Auditor } from "../../audit/auditor.ts";
import type { RequestHeaderOptions } from "../../authn/request-header.ts";
import type { TokenAuthenticators } from "../../authn/token-authenticator.ts";
import { annotateVerdict } from "../../chain/authorize.ts";
import type { Steps, User } from "../../chain/steps.ts";
import type { Discovery } from "../../discovery/discovery.ts";
import type { Pass } from "../../fairness/dispatcher.ts";
import type { FlowControl } from "../../fairness/flow-control.ts";
import type { RequestMetrics } from "../../metrics/request-metrics.ts";
import { publicError, statusOf } from "../status.ts";
import { type Asked, askedOf } from "./arrival.ts";
import { auditedRequester } from "./audited-requester.ts";
import { measuredOf } from "./measured.ts";
import { isLongRunning } from "./request-info.ts";
import { Requesters } from "./requester.ts";
import { serveResource } from "./resource-request.ts";
import { Exchange } from "./respond.ts";
import { type ResourceRoute, resourceRoute } from "./routes.ts";
import { REQUEST_MS_MAX, timeLimitMs } from "./time-limit.ts";
import { UpgradeResponse } from "./upgrade-response.ts";
import { WatchPace } from "./watch-pace.ts";

export interface TlsFiles {
  /** PEM texts. */
  readonly certificate: string;
  readonly key: string;
  /** Signs the clients that are let in. */
  readonly clientAuthority: string;
}

/** Sub-resources that are streams of bytes, not objects. */
export interface Streams {
  /** `log`, and upgrades that came without one: true when it answered. */
  serve(request: StreamRequest): Promise<boolean>;
  upgrade(request: StreamRequest, socket: Duplex, head: Buffer): Promise<void>;
}

export interface StreamRequest {
  readonly exchange: Exchange;
  readonly user: User;
  readonly route: ResourceRoute;
  readonly signal: AbortSignal;
}

export interface RestOptions {
  readonly steps: Steps;
  readonly tls: TlsFiles;
  readonly host: string;
  readonly port: number;
  readonly discovery: Discovery;
  readonly aggregation: Pick<Aggregation, "extensions" | "wake">;
  readonly streams: Streams;
  readonly tokens: TokenAuthenticators;
  /** Proxies that may name users. */
  readonly requestHeader: RequestHeaderOptions | undefined;
  readonly metrics: RequestMetrics;
  readonly flowControl: FlowControl;
  /** Undefined when nothing is recorded. */
  readonly auditor: Auditor | undefined;
  readonly logger: Logger;
}

export interface RestFront {
  readonly port: number;
  replaceCertificate(tls: TlsFiles): void;
  close(): Promise<void>;
}

/** The status of an upgrade that was not refused. */
const SWITCHING = 101;
/** From a connection's begin until a request's head is there; kube-apiserver's, which asks the same of the handshake. */
const HEADERS_MS_MAX = 32_000;
/** Of the time that a request may take, it may wait so much for seats: a quarter, as in Kubernetes. */
const WAIT_FRACTION = 1 / 4;
const WITH_BODY = new Set(["DELETE", "PATCH", "POST", "PUT"]);
/** As much as HTTP/2 takes: a token that is too long is then refused in words that clients read. */
const HEADER_BYTES_MAX = 64 * 1024;

export async function startRest(options: RestOptions): Promise<RestFront> {
  const server = createSecureServer({
    ...secureContext(options.tls, options.requestHeader),
    allowHTTP1: true,
    // Its type leaves out what Node passes on to the HTTP/1.1 parser.
    http1Options: { maxHeaderSize: HEADER_BYTES_MAX, headersTimeout: HEADERS_MS_MAX } as object,
    handshakeTimeout: HEADERS_MS_MAX,
    requestCert: true,
    // Others show a token, or nothing.
    rejectUnauthorized: false,
    settings: { maxConcurrentStreams: 1000, initialWindowSize: 1024 * 1024 },
  });
  server.setTimeout(0);
  const closing = new AbortController();
  const sockets = trackSockets(server);
  const front = new Front(options, closing.signal);
  server.on("request", (request, response) => {
    void front.handle(new Exchange(request, response));
  });
  server.on("upgrade", (request: Http2ServerRequest, socket: Duplex, head: Buffer) => {
    void front.upgrade(request, socket, head);
  });
  server.on("sessionError", (error) => options.logger.debug("connection failed", { error }));
  server.on("tlsClientError", (error) => options.logger.debug("handshake failed", { error }));
  await listen(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    replaceCertificate: (tls) => server.setSecureContext(secureContext(tls, options.requestHeader)),
    close: async () => {
      closing.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // The answers in flight get this turn of the loop; streams are over once their signal aborted.
      setImmediate(() => {
        for (const socket of sockets) socket.destroy();
      });
      await closed;
    },
  };
}

function secureContext(tls: TlsFiles, proxies: RequestHeaderOptions | undefined) {
  return {
    cert: tls.certificate,
    key: tls.key,
    ca: proxies === undefined ? tls.clientAuthority : [tls.clientAuthority, proxies.authority],
    minVersion: "TLSv1.2" as const,
  };
}

function listen(server: Http2SecureServer, options: RestOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function trackSockets(server: Http2SecureServer): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    // Small answers must not wait for more to send.
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return sockets;
}

interface Arrived {
  readonly exchange: Exchange;
  readonly route: ResourceRoute | undefined;
  /** Who else answers it. */
  readonly extension: Extension | undefined;
  readonly asked: Asked;
}

class Front {
  readonly #options: RestOptions;
  readonly #closing: AbortSignal;
  readonly #pace: WatchPace;
  readonly #requesters: Requesters;

  constructor(options: RestOptions, closing: AbortSignal) {
    this.#options = options;
    this.#closing = closing;
    this.#pace = new WatchPace(options.steps.clock);
    this.#requesters = new Requesters({
      tokens: options.tokens,
      authorizer: options.steps.authorizer,
      clientAuthority: options.tls.clientAuthority,
      requestHeader: options.requestHeader,
    });
  }

  async handle(exchange: Exchange): Promise<void> {
    const route = resourceRoute(this.#options.steps.resources, exchange.path);
    const running = this.#options.metrics.begin(measuredOf(exchange, route));
    try {
      await this.#route(exchange, route);
    } catch (error) {
      await this.#fail(exchange, error);
    } finally {
      running.ended(exchange.code, exchange.bytes);
      if (exchange.audit !== undefined) await exchange.audit.end();
    }
  }

  async upgrade(request: Http2ServerRequest, socket: Duplex, head: Buffer): Promise<void> {
    const exchange = new Exchange(request, UpgradeResponse.over(socket));
    const route = resourceRoute(this.#options.steps.resources, exchange.path);
    const running = this.#options.metrics.begin(measuredOf(exchange, route));
    try {
      const user = await this.#requester(exchange, route);
      const signal = this.#closing;
      const extension = this.#options.aggregation.extensions.of(exchange.path);
      if (extension !== undefined) {
        const forwarding = this.#forwarding({ exchange, extension, signal, user });
        return await forwardUpgrade(forwarding, { socket, head });
      }
      if (route === undefined) throw noSuchPath();
      await this.#options.streams.upgrade({ exchange, user, route, signal }, socket, head);
    } catch (error) {
      await this.#fail(exchange, error);
    } finally {
      running.ended(exchange.code || SWITCHING, exchange.bytes);
      if (exchange.audit !== undefined) await exchange.audit.end();
    }
  }

  async #route(exchange: Exchange, route: ResourceRoute | undefined): Promise<void> {
    const { aggregation, steps } = this.#options;
    const extension = aggregation.extensions.of(exchange.path);
    const asked = askedOf(exchange, route, extension);
    const arrived = { exchange, route, extension, asked };
    if (isLongRunning(asked.verb, asked.subresource)) return this.#admit(arrived, REQUEST_MS_MAX);
    const limitMs = timeLimitMs(exchange.query);
    const cancel = steps.clock.after(limitMs, exchange.timeOut);
    try {
      await this.#admit(arrived, limitMs);
    } finally {
      cancel();
    }
  }

  /** Lets it begin when it is due. */
  async #admit(arrived: Arrived, limitMs: number): Promise<void> {
    const { asked, exchange, extension, route } = arrived;
    const user = await this.#requester(exchange, route);
    // Streams hold no seat: they last, and the work of their begin is small.
    if (asked.verb !== "watch" && isLongRunning(asked.verb, asked.subresource))
      return this.#serve(arrived, user);
    const { flowControl } = this.#options;
    const arrival = { ...asked, user };
    exchange.classification = flowControl.classify(arrival);
    // Before it has seats: a client that sends slowly must not hold any.
    const isRead =
      route !== undefined && extension === undefined && WITH_BODY.has(exchange.request.method);
    const bodyBytes = isRead ? (await exchange.body()).length : 0;
    const signal = () => exchange.leaving(this.#closing);
    const wait = { bodyBytes, waitMs: limitMs * WAIT_FRACTION, signal };
    const entered = flowControl.enter(arrival, exchange.classification, wait);
    const pass = entered instanceof Promise ? await entered : entered;
    try {
      if (!exchange.isOver) await this.#serve(arrived, user, pass);
    } finally {
      pass.release();
    }
  }

  async #serve({ asked, exchange, extension, route }: Arrived, user: User, pass?: Pass) {
    const { discovery, logger, metrics, steps, streams } = this.#options;
    if (extension !== undefined) {
      // When it has begun is known over there.
      if (asked.verb === "watch") pass?.release();
      const signal = exchange.leaving(this.#closing);
      return forward(this.#forwarding({ exchange, extension, signal, user }));
    }
    if (route === undefined) {
      await this.#authorizePath(exchange, user);
      if (await discovery.serve(exchange)) return;
      throw noSuchPath();
    }
    const closing = this.#closing;
    const pace = this.#pace;
    const request = {
      exchange,
      steps,
      user,
      route,
      logger,
      pace,
      metrics,
      started: () => pass?.release(),
      // Made for who asks: signals cost more than the rest of a short request's way.
      get signal() {
        return exchange.leaving(closing);
      },
    };
    if (await streams.serve(request)) return;
    await serveResource(request);
  }

  #forwarding(call: Omit<Forwarding, "authorizer" | "failed">): Forwarding {
    const { aggregation, steps } = this.#options;
    return { ...call, authorizer: steps.authorizer, failed: aggregation.wake };
  }

  #requester(exchange: Exchange, route: ResourceRoute | undefined): Promise<User> {
    const { auditor } = this.#options;
    return auditor === undefined
      ? this.#requesters.of(exchange.request)
      : auditedRequester(auditor, this.#requesters, {
          exchange,
          route,
          extension: this.#options.aggregation.extensions.of(exchange.path),
        });
  }

  async #authorizePath(exchange: Exchange, user: User): Promise<void> {
    const { path } = exchange;
    const verb = (exchange.request.method ?? "get").toLowerCase();
    const verdict = await this.#options.steps.authorizer.authorize({ user, verb, path });
    if (exchange.audit !== undefined) annotateVerdict(exchange.audit.annotate, verdict);
    if (!verdict.allowed) {
      throw new StatusError(
        "Forbidden",
        `forbidden: User "${user.name}" cannot ${verb} path "${path}"`,
      );
    }
  }

  async #fail(exchange: Exchange, error: unknown): Promise<void> {
    const failure = publicError(error);
    exchange.audit?.failed(statusOf(failure).json, !(error instanceof StatusError));
    // The client left, or was told already: there is no one to tell.
    if (exchange.isOver) return;
    if (failure.reason === "InternalError") {
      const { method } = exchange.request;
      const stack = error instanceof Error ? error.stack : String(error);
      this.#options.logger.error("request failed", { method, path: exchange.path, stack });
    }
    await exchange.fail(failure);
  }
}

function noSuchPath(): StatusError {
  return new StatusError("NotFound", "the server could not find the requested resource");
}
