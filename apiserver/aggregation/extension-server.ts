/** An extension API server, as one APIService names it: HTTPS through its service, as the cluster's front proxy. */
import { Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import type { Duplex, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import type { APIServiceSpec } from "#proto/apiregistration/v1";
import { type DialDeps, dialService } from "../proxy/dial-service.ts";
import type { ServicePort } from "../proxy/service-endpoints.ts";
import type { Headers } from "./identity-headers.ts";

/** The front proxy's own certificate and key, PEM: by these the server knows whom to believe about users. */
export interface ProxyCredential {
  readonly certificate: string;
  readonly key: string;
}

export interface Sent {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Headers;
  readonly body?: Readable;
  readonly signal: AbortSignal;
}

/** Connections that are kept though nobody uses them just now. */
const KEPT_MAX = 16;
const KEPT_MS = 60_000;

export class ExtensionServer {
  readonly #deps: DialDeps;
  readonly #service: ServicePort;
  readonly #host: string;
  readonly #tls: ConnectionOptions;
  readonly #kept: Agent;
  readonly #single: Agent;

  constructor(
    spec: APIServiceSpec,
    options: DialDeps & { readonly credential: ProxyCredential | undefined },
  ) {
    const { caBundle = "", insecureSkipTLSVerify = false, service = {} } = spec;
    const { name = "", namespace = "", port = 443 } = service;
    this.#deps = options;
    this.#service = { name, namespace, port };
    this.#host = `${name}.${namespace}.svc`;
    this.#tls = {
      servername: this.#host,
      rejectUnauthorized: !insecureSkipTLSVerify,
      ...(caBundle === "" ? {} : { ca: Buffer.from(caBundle, "base64").toString("utf8") }),
      ...(options.credential === undefined
        ? {}
        : { cert: options.credential.certificate, key: options.credential.key }),
    };
    const connect = () => this.connect();
    this.#kept = new ServiceAgent(connect, { keepAlive: true, maxFreeSockets: KEPT_MAX });
    this.#single = new ServiceAgent(connect, { keepAlive: false });
  }

  /** The name that its certificate is for. */
  get host(): string {
    return this.#host;
  }

  connect(): Promise<TLSSocket> {
    return dialService(this.#deps, this.#service, this.#tls);
  }

  /** Resolves with the answer's head. Rejects when there is none. */
  async send(sent: Sent): Promise<IncomingMessage> {
    if (sent.body !== undefined) return this.#try(sent, this.#single);
    try {
      return await this.#try(sent, this.#kept);
    } catch (error) {
      // The server closed a kept connection just as it was used: it has not heard us.
      if (error instanceof StaleConnection) return this.#try(sent, this.#single);
      throw error;
    }
  }

  /** Ends the connections that nobody uses just now: the next request goes to who serves then. */
  forget(): void {
    for (const sockets of Object.values(this.#kept.freeSockets))
      for (const socket of sockets ?? []) socket.destroy();
  }

  /** Ends all connections. */
  close(): void {
    this.#kept.destroy();
    this.#single.destroy();
  }

  async #try(
    { body, headers, method, path, signal }: Sent,
    agent: Agent,
  ): Promise<IncomingMessage> {
    const out = request({
      agent,
      method,
      path,
      signal,
      headers: { ...(headers as Record<string, string | string[]>), host: this.#host },
    });
    const answer = headOf(out);
    if (body === undefined) out.end();
    // A server may answer before it has read everything, and close: its answer counts.
    else void pipeline(body, out).catch(() => {});
    return answer;
  }
}

class StaleConnection extends Error {}

function headOf(out: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    out.once("response", resolve);
    out.once("error", (error: NodeJS.ErrnoException) => {
      const isStale = out.reusedSocket && error.code === "ECONNRESET";
      reject(isStale ? new StaleConnection(error.message) : error);
    });
  });
}

/** Where its connections come from is the service's affair, not that of a host and a port. */
class ServiceAgent extends Agent {
  readonly #connect: () => Promise<TLSSocket>;

  constructor(
    connect: () => Promise<TLSSocket>,
    options: { readonly keepAlive: boolean; readonly maxFreeSockets?: number },
  ) {
    super({ ...options, timeout: KEPT_MS });
    this.#connect = connect;
  }

  override createConnection(
    _options: unknown,
    done?: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    this.#connect().then(
      (socket) => done?.(null, socket),
      (error: Error) => done?.(error, undefined as unknown as Duplex),
    );
  }
}
