/** Requests that an extension API server answers: judged here, and sent on in the name of who asks. */
import { type IncomingMessage, validateHeaderName, validateHeaderValue } from "node:http";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { StatusError } from "#lib/status-error";
import type { Verb } from "#resources";
import { annotateVerdict, authorize } from "../chain/authorize.ts";
import type { Authorizer, User } from "../chain/steps.ts";
import type { Exchange } from "../front/rest/respond.ts";
import type { Extension } from "./extensions.ts";
import { forwardedHeaders, type Headers, identityHeaders } from "./identity-headers.ts";
import { type ProxiedRequest, proxiedRequest } from "./proxied-request.ts";

export interface Forwarding {
  readonly authorizer: Authorizer;
  readonly exchange: Exchange;
  readonly user: User;
  readonly extension: Extension;
  readonly signal: AbortSignal;
  /** Hears that the server could not be reached. */
  readonly failed: (extension: Extension) => void;
}

/** Throws Forbidden, and ServiceUnavailable when nobody answers. */
export async function forward(call: Forwarding): Promise<void> {
  await checkAllowed(call);
  const { exchange, extension, signal } = call;
  const { request, response } = exchange;
  const { method } = request;
  const hasBody = method !== "GET" && method !== "HEAD";
  const answer = await extension.server
    .send({
      method,
      path: request.url,
      headers: headersOf(call),
      ...(hasBody ? { body: request } : {}),
      signal,
    })
    .catch((error: unknown) => unreachable(call, error));
  answerHead(exchange, answer);
  try {
    await pipeline(answer, response as unknown as NodeJS.WritableStream);
  } catch (error) {
    // Too late for a Status: the client sees the body cut off.
    response.destroy(error as Error);
  }
}

/** A protocol of the extension's own, as a WebSocket: bytes go through as they are. */
export async function forwardUpgrade(
  call: Forwarding,
  client: { readonly socket: Duplex; readonly head: Buffer },
): Promise<void> {
  await checkAllowed(call);
  const { exchange, extension } = call;
  const { headers, method, url } = exchange.request;
  const socket = await extension.server
    .connect()
    .catch((error: unknown) => unreachable(call, error));
  const head = headLines({
    ...headersOf(call),
    host: extension.server.host,
    connection: "Upgrade",
    upgrade: String(headers["upgrade"]),
  });
  exchange.audit?.started(101);
  socket.write(`${method} ${url} HTTP/1.1\r\n${head}\r\n\r\n`);
  if (client.head.length > 0) socket.write(client.head);
  // Either side may go at any time, which ends the other: there is nothing left to tell it.
  await Promise.allSettled([pipeline(client.socket, socket), pipeline(socket, client.socket)]);
}

async function checkAllowed(call: Forwarding): Promise<void> {
  const { exchange, extension } = call;
  const { path, query, request } = exchange;
  await authorizeProxied(call, proxiedRequest(path, request.method, query));
  if (!extension.isAvailable) throw unavailable(extension);
}

async function authorizeProxied(
  { authorizer, exchange, extension, user }: Forwarding,
  asked: ProxiedRequest,
): Promise<void> {
  const { verb } = asked;
  if ("path" in asked) {
    const { path } = asked;
    const verdict = await authorizer.authorize({ user, verb, path });
    if (exchange.audit !== undefined) annotateVerdict(exchange.audit.annotate, verdict);
    if (verdict.allowed) return;
    const why = `forbidden: User "${user.name}" cannot ${verb} path "${path}"`;
    throw new StatusError("Forbidden", why);
  }
  const { fieldSelector, plural, verb: _, ...target } = asked;
  const { group, version } = extension;
  // What the kind is, and allows, its own server knows.
  const resource = {
    ...{ group, version, plural, kind: "", singular: "", shortNames: [], categories: [] },
    ...{ namespaced: target.namespace !== undefined, verbs: [verb as Verb], subresources: [] },
  };
  await authorize(
    { authorizer },
    { ...target, ...exchange.asides, resource, user },
    verb,
    fieldSelector,
  );
}

function headersOf({ exchange, user }: Forwarding): Headers {
  const { headers, socket } = exchange.request;
  const before = headers["x-forwarded-for"];
  const client = socket.remoteAddress ?? "";
  return {
    ...forwardedHeaders(headers),
    "x-forwarded-for": before === undefined ? client : `${String(before)}, ${client}`,
    "x-forwarded-host": String(headers[":authority"] ?? headers["host"] ?? ""),
    "x-forwarded-proto": "https",
    "x-forwarded-uri": exchange.path,
    ...identityHeaders(user),
  };
}

function headLines(headers: Headers): string {
  return Object.entries(headers)
    .flatMap(([name, values]) =>
      (typeof values === "string" ? [values] : values).map((value) => {
        validateHeaderName(name);
        validateHeaderValue(name, value);
        return `${name}: ${value}`;
      }),
    )
    .join("\r\n");
}

/** Both kinds of response have it, which one of their types leaves out. */
interface Flushed {
  flushHeaders(): void;
}

function answerHead({ audit, response }: Exchange, answer: IncomingMessage): void {
  response.statusCode = answer.statusCode ?? 502;
  audit?.started(response.statusCode);
  for (const [name, value] of Object.entries(forwardedHeaders(answer.headers)))
    response.setHeader(name, value as string | string[]);
  // A watch may have nothing to tell for long, and its client waits for the head.
  (response as unknown as Flushed).flushHeaders();
}

function unavailable({ name, spec }: Extension, why = "it is not available"): StatusError {
  const { service } = spec;
  const message = `the API is served by service "${service?.namespace}/${service?.name}", and ${why}; see: kubectl describe apiservice ${name}`;
  return new StatusError("ServiceUnavailable", message, {
    details: { name, group: "apiregistration.k8s.io", kind: "apiservices" },
  });
}

function unreachable({ extension, failed, signal }: Forwarding, error: unknown): never {
  const why = error instanceof Error ? error.message : String(error);
  if (!signal.aborted) failed(extension);
  throw unavailable(extension, `it cannot be reached: ${why}`);
}
