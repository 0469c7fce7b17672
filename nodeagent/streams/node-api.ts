/** What a node tells of itself over HTTP, as a kubelet does on its port. Nobody listens: each connection is a session of the tunnel. */

import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { NodeSummary } from "#lib/api/node-summary";
import type { Logger } from "#lib/logger";
import { REASONS, StatusError } from "#lib/status-error";
import type { Pod } from "#proto/core/v1";
import type { LogsRequest } from "#services/tunnel";
import type { PodPlace } from "./serve-session.ts";
import { sessionStream } from "./session-stream.ts";
import type { Session } from "./tunnel-client.ts";

export interface NodeApiDeps {
  /** The pods that this node runs. */
  pods(): readonly Pod[];
  /** What the node and its containers use now. */
  summary(signal: AbortSignal): Promise<NodeSummary>;
  /** A container's log, in pieces. Throws StatusErrors. */
  logs(
    asked: PodPlace & { readonly asked: LogsRequest },
    signal: AbortSignal,
  ): AsyncIterable<Buffer>;
  readonly logger: Logger;
}

export class NodeApi {
  readonly #deps: NodeApiDeps;
  readonly #server: Server;

  constructor(deps: NodeApiDeps) {
    this.#deps = deps;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => this.#fail(response, error));
    });
  }

  /** Resolves when the connection is over. */
  async serve(session: Session): Promise<void> {
    const stream = sessionStream(session);
    const over = new Promise<void>((resolve) => {
      stream.once("close", () => resolve());
    });
    // The other end may leave its side open for ever.
    stream.once("finish", () => stream.destroy());
    // Whoever breaks it off is at the other end, and knows.
    stream.on("error", () => {});
    this.#server.emit("connection", stream);
    await over;
  }

  async #serve({ method, url = "/" }: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = "", query] = url.split("?");
    if (method !== "GET" && method !== "HEAD")
      throw new StatusError("MethodNotAllowed", `${method} is not supported`);
    if (/^\/healthz(\/ping)?$/.test(path)) return text(response, 200, "ok");
    if (/^\/pods\/?$/.test(path)) return json(response, this.#podList());
    if (path === "/stats/summary")
      return json(response, await this.#deps.summary(leaving(response)));
    const [, namespace, pod, container] =
      /^\/containerLogs\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    if (namespace !== undefined && pod !== undefined && container !== undefined) {
      const asked = logsRequest(container, new URLSearchParams(query));
      return this.#logs({ namespace, pod, podUid: "", asked }, response);
    }
    throw new StatusError("NotFound", `the node has nothing at ${path}`);
  }

  async #logs(asked: Parameters<NodeApiDeps["logs"]>[0], response: ServerResponse): Promise<void> {
    const signal = leaving(response);
    const pieces = this.#deps.logs(asked, signal)[Symbol.asyncIterator]();
    // The first decides between an error's status and a stream.
    for (let next = await pieces.next(), isFirst = true; !next.done; next = await pieces.next()) {
      if (isFirst) response.writeHead(200, { "content-type": "text/plain" });
      isFirst = false;
      if (!response.write(next.value)) await once(response, "drain", { signal }).catch(() => {});
      if (signal.aborted) break;
    }
    await pieces.return?.();
    response.end();
  }

  #podList(): object {
    const items = this.#deps
      .pods()
      .map((pod) => ({ ...pod, kind: undefined, apiVersion: undefined }));
    return { kind: "PodList", apiVersion: "v1", metadata: {}, items };
  }

  #fail(response: ServerResponse, error: unknown): void {
    if (error instanceof StatusError) {
      text(response, REASONS[error.reason].http, error.message);
      return;
    }
    this.#deps.logger.error("request to the node failed", { error });
    text(response, 500, "Internal error occurred: see the agent's log");
  }
}

/** Aborts when nobody waits for the answer any more. */
function leaving(response: ServerResponse): AbortSignal {
  const left = new AbortController();
  response.once("close", () => left.abort());
  return left.signal;
}

/** The query of a kubelet's `/containerLogs`, which is that of PodLogOptions. */
function logsRequest(container: string, query: URLSearchParams): LogsRequest {
  const flag = (name: string): boolean => ["", "1", "true"].includes(query.get(name) ?? "false");
  const whole = (name: string): bigint | undefined => {
    const given = query.get(name) ?? "";
    if (given === "") return undefined;
    if (/^\d{1,18}$/.test(given)) return BigInt(given);
    throw new StatusError(
      "BadRequest",
      `${name}: ${JSON.stringify(given)}: must be a whole number`,
    );
  };
  return {
    container: decodeURIComponent(container),
    follow: flag("follow"),
    previous: flag("previous"),
    sinceSeconds: whole("sinceSeconds"),
    sinceTime: query.get("sinceTime") ?? undefined,
    timestamps: flag("timestamps"),
    tailLines: whole("tailLines"),
    limitBytes: whole("limitBytes"),
    stream: undefined,
    deleted: false,
  };
}

function text(response: ServerResponse, code: number, body: string): void {
  answer(response, code, { type: "text/plain; charset=utf-8", body });
}

function json(response: ServerResponse, value: object): void {
  answer(response, 200, { type: "application/json", body: JSON.stringify(value) });
}

function answer(
  response: ServerResponse,
  code: number,
  { body, type }: { readonly body: string; readonly type: string },
): void {
  const headers = { "content-type": type, "content-length": Buffer.byteLength(body) };
  response.writeHead(code, headers).end(body);
}
