/** Requests to the API server's REST front, as one user. Failures are `StatusError`s with the server's own words. */

import { request as httpRequest, type IncomingMessage } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import type { JsonObject, JsonValue } from "#lib/json";
import { REASONS, type Reason, StatusError } from "#lib/status-error";
import type { Status } from "#proto/meta/v1";
import type { Access } from "../../naru/read-kubeconfig.ts";
import { UserError } from "../terminal.ts";

export interface RequestOptions {
  readonly method?: "DELETE" | "GET" | "PATCH" | "POST" | "PUT";
  /** With a leading slash; query parameters that are undefined are left out. */
  readonly query?: Readonly<Record<string, boolean | number | string | undefined>>;
  readonly accept?: string;
  readonly contentType?: string;
  readonly body?: JsonValue;
  readonly signal?: AbortSignal;
  /** Takes each `Warning` header's text. */
  readonly onWarning?: (text: string) => void;
}

export class Connection {
  readonly access: Access;
  readonly #agent: Agent;

  constructor(access: Access) {
    this.access = access;
    this.#agent = new Agent({ keepAlive: true, ...tlsOptions(access) });
  }

  /** The answer's JSON. */
  async json<T = JsonObject>(path: string, options: RequestOptions = {}): Promise<T> {
    const response = await this.stream(path, options);
    return JSON.parse(await readText(response)) as T;
  }

  /** The answer as it comes, after its status was found good. */
  async stream(path: string, options: RequestOptions = {}): Promise<IncomingMessage> {
    const response = await this.#send(path, options);
    for (const warning of warningsOf(response)) options.onWarning?.(warning);
    if ((response.statusCode ?? 0) < 300) return response;
    throw statusError(response.statusCode ?? 0, await readText(response));
  }

  url(path: string, query: RequestOptions["query"] = {}): URL {
    const url = new URL(this.access.server + path);
    for (const [key, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.append(key, String(value));
    }
    return url;
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(path: string, options: RequestOptions): Promise<IncomingMessage> {
    const url = this.url(path, options.query);
    const body = options.body === undefined ? undefined : Buffer.from(JSON.stringify(options.body));
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const send = url.protocol === "http:" ? httpRequest : httpsRequest;
    const request = send(url, {
      method: options.method ?? "GET",
      ...(url.protocol === "http:" ? {} : { agent: this.#agent }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      headers: {
        accept: options.accept ?? "application/json",
        ...authorization(this.access),
        ...(body && {
          "content-type": options.contentType ?? "application/json",
          "content-length": body.length,
        }),
      },
    });
    request.on("response", resolve);
    request.on("error", (error: NodeJS.ErrnoException) => reject(this.#unreachable(error)));
    request.end(body);
    return promise;
  }

  #unreachable(error: NodeJS.ErrnoException): Error {
    if (error.name === "AbortError") return error;
    const { server } = this.access;
    switch (error.code) {
      case "ECONNREFUSED":
        return new UserError(`nothing listens at ${server}; is the cluster up? (naru up)`, {
          cause: error,
        });
      case "ENOTFOUND":
        return new UserError(`${server}: this name is not known; check the kubeconfig's server`, {
          cause: error,
        });
      case "SELF_SIGNED_CERT_IN_CHAIN":
      case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
        return new UserError(
          `${server} shows a certificate of another authority than the kubeconfig's; was the cluster made anew? (naru kubeconfig)`,
          { cause: error },
        );
      default:
        return new UserError(`${server}: ${error.message}`, { cause: error });
    }
  }
}

export function tlsOptions(access: Access): Readonly<Record<string, boolean | string>> {
  return {
    rejectUnauthorized: !access.skipVerify,
    ...(access.authority === undefined ? {} : { ca: access.authority }),
    ...(access.certificate === undefined ? {} : { cert: access.certificate }),
    ...(access.key === undefined ? {} : { key: access.key }),
    ...(access.serverName === undefined ? {} : { servername: access.serverName }),
  };
}

export function authorization(access: Access): Readonly<Record<string, string>> {
  return access.token === undefined ? {} : { authorization: `Bearer ${access.token}` };
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

/** `Warning: 299 - "text"`, RFC 7234 section 5.5. */
function warningsOf(response: IncomingMessage): string[] {
  const header = response.headers["warning"];
  if (header === undefined) return [];
  return [...String(header).matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, text = ""]) =>
    text.replace(/\\(.)/g, "$1"),
  );
}

/** The server's Status as an error; anything else it may have sent, as one too. */
export function statusError(code: number, body: string): StatusError {
  let status: Partial<Status> = {};
  try {
    status = JSON.parse(body) as Partial<Status>;
  } catch {
    // A proxy's page, or nothing: the code has to do.
  }
  const reason = isReason(status.reason) ? status.reason : reasonOf(code);
  const message = status.message ?? `the server answered ${code}`;
  const { details } = status;
  return new StatusError(
    reason,
    message,
    details === undefined ? {} : { details: withoutAbsent(details) },
  );
}

function withoutAbsent(
  details: NonNullable<Status["details"]>,
): NonNullable<StatusError["details"]> {
  const causes = details.causes?.map(({ reason, message, field }) => ({
    reason: reason ?? "",
    message: message ?? "",
    ...(field === undefined ? {} : { field }),
  }));
  const { name, group, kind } = details;
  return {
    ...(name === undefined ? {} : { name }),
    ...(group === undefined ? {} : { group }),
    ...(kind === undefined ? {} : { kind }),
    ...(causes === undefined ? {} : { causes }),
  };
}

function isReason(reason: string | undefined): reason is Reason {
  return reason !== undefined && Object.hasOwn(REASONS, reason);
}

function reasonOf(code: number): Reason {
  const found = Object.entries(REASONS).find(([, { http }]) => http === code);
  return (found?.[0] as Reason | undefined) ?? "InternalError";
}
