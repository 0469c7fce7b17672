/** `pods/NAME/proxy/PATH`, `services/NAME/proxy/PATH`, `nodes/NAME/proxy/PATH`: HTTP to a pod's port, or to an agent, over the node's tunnel. */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import type { Duplex, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { connect as tlsConnect } from "node:tls";
import { StatusError } from "#lib/status-error";
import { admissionOf, admit } from "../chain/admit.ts";
import { authorize } from "../chain/authorize.ts";
import type { StreamRequest } from "../front/rest/server.ts";
import type { StreamDeps } from "./logs.ts";
import { type ProxyTarget, proxyTarget } from "./proxy-target.ts";
import { sessionSocket } from "./session-socket.ts";

const VERBS: Readonly<Record<string, string>> = {
  GET: "get",
  HEAD: "get",
  OPTIONS: "get",
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

/** Meant for one connection alone, or for us: none of them reaches the pod. */
const OWN_HEADERS =
  /^(:.*|authorization|connection|host|http2-settings|impersonate-.*|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade)$/;

export async function serveProxy(deps: StreamDeps, request: StreamRequest): Promise<void> {
  const { exchange, signal } = request;
  const target = await allowedTarget(deps, request);
  const socket = await dial(deps, target, signal);
  const path = upstreamPath(request);
  const { method } = exchange.request;
  const headers = { ...requestHeaders(request), host: target.host };
  const upstream = httpRequest({
    createConnection: () => socket,
    method,
    path,
    headers,
  });
  signal.addEventListener("abort", () => upstream.destroy(), { once: true });
  try {
    void send(exchange.request, upstream);
    const response = await responseOf(upstream);
    answerHead(request, response);
    await pipeline(response, exchange.response as unknown as NodeJS.WritableStream);
  } catch (error) {
    // Too late for a Status once the head is sent: the client sees the body cut off.
    if (exchange.response.headersSent) exchange.response.destroy(error as Error);
    else throw unreachable(error);
  } finally {
    socket.destroy();
  }
}

/** A protocol of the application's own, as a WebSocket: bytes go through as they are. */
export async function upgradeProxy(
  deps: StreamDeps,
  request: StreamRequest,
  client: { readonly socket: Duplex; readonly head: Buffer },
): Promise<void> {
  const target = await allowedTarget(deps, request);
  const socket = await dial(deps, target, request.signal);
  const { headers, method } = request.exchange.request;
  const lines = Object.entries({
    ...requestHeaders(request),
    host: target.host,
    connection: "Upgrade",
    upgrade: String(headers["upgrade"]),
  }).map(([name, value]) => `${name}: ${String(value)}`);
  request.exchange.audit?.started(101);
  socket.write(`${method} ${upstreamPath(request)} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
  if (client.head.length > 0) socket.write(client.head);
  // Either side may go at any time, which ends the other: there is nothing left to tell it.
  await Promise.allSettled([pipeline(client.socket, socket), pipeline(socket, client.socket)]);
}

async function allowedTarget(deps: StreamDeps, request: StreamRequest): Promise<ProxyTarget> {
  const { exchange, route, user } = request;
  const call = { ...route, user, ...exchange.asides };
  const verb = VERBS[exchange.request.method];
  if (verb === undefined)
    throw new StatusError("MethodNotAllowed", `${exchange.request.method} is not supported`);
  await authorize(deps.steps, call, verb);
  const kind = `${route.resource.kind}ProxyOptions`;
  const object = { kind, apiVersion: "v1", path: `/${route.rest ?? ""}` };
  await admit(deps.steps, { ...admissionOf(call, "CONNECT"), object });
  return proxyTarget(deps.steps, call);
}

async function dial(deps: StreamDeps, target: ProxyTarget, signal: AbortSignal): Promise<Duplex> {
  const socket = sessionSocket(await deps.tunnel.open(target.node, target.what, signal));
  // As Kubernetes does: a pod's certificate is signed by no authority that we know.
  return target.isSecure ? tlsConnect({ socket, rejectUnauthorized: false }) : socket;
}

/** The path behind `/proxy`, still encoded as it came, with the query. */
function upstreamPath({ exchange }: StreamRequest): string {
  const [, rest = ""] = /\/proxy(\/.*|$)/.exec(exchange.path) ?? [];
  const at = exchange.request.url.indexOf("?");
  return (rest === "" ? "/" : rest) + (at === -1 ? "" : exchange.request.url.slice(at));
}

function requestHeaders({ exchange }: StreamRequest): Record<string, string | string[]> {
  const { headers } = exchange.request;
  const kept = Object.entries(headers).filter(
    (entry): entry is [string, string | string[]] =>
      entry[1] !== undefined && !OWN_HEADERS.test(entry[0]),
  );
  return {
    ...Object.fromEntries(kept),
    "x-forwarded-host": String(headers[":authority"] ?? headers["host"] ?? ""),
    "x-forwarded-proto": "https",
    "x-forwarded-uri": exchange.path,
  };
}

function responseOf(upstream: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    upstream.once("response", resolve);
    upstream.once("error", reject);
  });
}

async function send(body: Readable, upstream: ClientRequest): Promise<void> {
  // A pod may answer before it has read everything, and close: its answer counts.
  await pipeline(body, upstream).catch(() => {});
}

function answerHead({ exchange }: StreamRequest, response: IncomingMessage): void {
  exchange.response.statusCode = response.statusCode ?? 502;
  exchange.audit?.started(exchange.response.statusCode);
  for (const [name, value] of Object.entries(response.headers)) {
    if (value === undefined || OWN_HEADERS.test(name)) continue;
    exchange.response.setHeader(
      name,
      name === "location" ? relocated(exchange.path, value) : value,
    );
  }
}

/** A redirect within the application stays behind the proxy. */
function relocated(path: string, location: string | string[]): string {
  const to = String(location);
  const [base = ""] = /^.*?\/proxy(?=\/|$)/.exec(path) ?? [];
  return to.startsWith("/") && !to.startsWith("//") ? base + to : to;
}

function unreachable(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new StatusError("ServiceUnavailable", `error trying to reach service: ${why}`, {
    cause: error,
  });
}
