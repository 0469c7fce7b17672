/** The pulling half of the OCI distribution specification, v1.1. */
import { Readable } from "node:stream";
import type { Clock } from "#lib/clock";
import { ImageError, type RegistryCredential } from "../image-service.ts";
import { INDEX_TYPES, MANIFEST_BYTES_MAX, MANIFEST_TYPES } from "../manifest.ts";
import type { ImageReference } from "../reference.ts";
import { type Challenge, parseChallenge } from "./challenge.ts";

export interface RegistryOptions {
  /** As the global `fetch`. */
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  /** Hosts that are spoken to without TLS. Loopback addresses always are, as with Docker. */
  readonly plainHttpHosts: ReadonlySet<string>;
  /** The node has a network of its own: its loopback is not the machine's. */
  readonly hasOwnLoopback: boolean;
}

/** Time from a request to its headers. Bodies may take as long as they flow. */
const RESPONSE_TIMEOUT_MS = 30_000;
const TOKEN_BYTES_MAX = 64 * 1024;

/** One repository of one registry, with the credentials and the token for it. */
export class RegistryClient {
  readonly #options: RegistryOptions;
  readonly #host: string;
  readonly #base: string;
  readonly #repository: string;
  readonly #credential: RegistryCredential | undefined;
  #authorization: string | undefined;

  constructor(
    options: RegistryOptions,
    reference: ImageReference,
    credentials: readonly RegistryCredential[],
  ) {
    this.#options = options;
    // Docker Hub's name is not the name of its registry's host.
    const host = reference.registry === "docker.io" ? "registry-1.docker.io" : reference.registry;
    this.#host = host;
    const plain = isLoopback(host) || options.plainHttpHosts.has(host);
    this.#base = `${plain ? "http" : "https"}://${host}/v2/${reference.repository}`;
    this.#repository = reference.repository;
    this.#credential = credentials.find((each) => each.host === reference.registry);
  }

  /** A manifest or index by tag or digest, not yet verified. */
  async manifest(reference: string, signal: AbortSignal): Promise<Uint8Array> {
    const accept = [...MANIFEST_TYPES, ...INDEX_TYPES].join(", ");
    const response = await this.#get(`/manifests/${reference}`, accept, signal);
    return readBounded(response, MANIFEST_BYTES_MAX, `manifest ${reference}`);
  }

  /** The bytes of a blob, not yet verified. */
  async blob(digest: string, signal: AbortSignal): Promise<Readable> {
    const response = await this.#get(`/blobs/${digest}`, "*/*", signal);
    if (response.body === null) return Readable.from([]);
    return Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
  }

  async #get(path: string, accept: string, signal: AbortSignal): Promise<Response> {
    const url = this.#base + path;
    const first = await this.#fetch(url, accept, signal);
    if (first.status !== 401) return this.#checked(first, path);
    await first.body?.cancel();
    const challenge = parseChallenge(first.headers.get("www-authenticate") ?? "");
    this.#authorization = await this.#answer(challenge, signal);
    return this.#checked(await this.#fetch(url, accept, signal), path);
  }

  async #fetch(url: string, accept: string, signal: AbortSignal): Promise<Response> {
    const slow = new AbortController();
    const cancel = this.#options.clock.after(RESPONSE_TIMEOUT_MS, () => slow.abort());
    const headers = new Headers({ accept });
    if (this.#authorization !== undefined) headers.set("authorization", this.#authorization);
    try {
      return await this.#options.fetch(url, {
        headers,
        signal: AbortSignal.any([signal, slow.signal]),
      });
    } catch (cause) {
      if (signal.aborted) throw cause;
      throw new ImageError(
        "RegistryUnavailable",
        `GET ${url}: ${this.#reachProblem(cause, slow.signal)}`,
        {
          cause,
        },
      );
    } finally {
      cancel();
    }
  }

  /** The Authorization header for what the registry asked. Token protocol: distribution's docs/spec/auth/token.md. */
  async #answer(challenge: Challenge | undefined, signal: AbortSignal): Promise<string> {
    const basic = this.#credential && basicAuthorization(this.#credential);
    if (challenge?.scheme === "basic") {
      if (basic === undefined)
        throw this.#refused("it asks for a user and password; give an imagePullSecret");
      return basic;
    }
    if (challenge === undefined)
      throw this.#refused("it answers 401 and does not say what it wants");
    const url = new URL(challenge.realm);
    if (challenge.service !== undefined) url.searchParams.set("service", challenge.service);
    url.searchParams.set("scope", challenge.scope ?? `repository:${this.#repository}:pull`);
    const response = await this.#options.fetch(url, {
      signal,
      ...(basic === undefined ? {} : { headers: { authorization: basic } }),
    });
    if (!response.ok) throw this.#refused(`its token service answers ${response.status}`);
    const body = await readBounded(response, TOKEN_BYTES_MAX, "token");
    const { token, access_token } = JSON.parse(Buffer.from(body).toString("utf8")) as {
      token?: string;
      access_token?: string;
    };
    return `Bearer ${token ?? access_token}`;
  }

  async #checked(response: Response, path: string): Promise<Response> {
    if (response.ok) return response;
    await response.body?.cancel();
    switch (response.status) {
      case 401:
      case 403:
        throw this.#refused(`${response.status}: access denied, or the repository does not exist`);
      case 404:
        throw new ImageError("ErrImagePull", `${this.#base}${path}: not found`);
      case 429: {
        const wait = response.headers.get("retry-after");
        const when = wait === null ? "" : `; it allows another try in ${wait} s`;
        throw new ImageError("ErrImagePull", `${this.#base}${path}: too many requests${when}`);
      }
      default:
        throw new ImageError(
          "RegistryUnavailable",
          `${this.#base}${path}: HTTP ${response.status}`,
        );
    }
  }

  #reachProblem(thrown: unknown, slow: AbortSignal): string {
    if (slow.aborted) return `no answer within ${RESPONSE_TIMEOUT_MS / 1000} s`;
    // fetch wraps what really went wrong: the errno or the TLS failure.
    const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
    const code = codeOf(cause);
    // A name with two addresses fails with an error of two, which has no words of its own.
    const text = (cause instanceof Error && cause.message) || String(code ?? cause);
    switch (code) {
      case "ERR_SSL_WRONG_VERSION_NUMBER":
      case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
        return `the registry at ${this.#host} does not speak TLS, and only registries on loopback are spoken to in plain HTTP; put TLS before it, or import the image from an archive: naru image import`;
      case "ECONNREFUSED":
        return isLoopback(this.#host) && this.#options.hasOwnLoopback
          ? `${text}; ${this.#host} is the node's own address here, not the machine's: the node has a network of its own`
          : text;
      default:
        return text;
    }
  }

  #refused(why: string): ImageError {
    return new ImageError("ErrImagePull", `registry of ${this.#base}: ${why}`);
  }
}

function basicAuthorization(credential: RegistryCredential): string {
  const pair = `${credential.username}:${credential.password}`;
  return `Basic ${Buffer.from(pair).toString("base64")}`;
}

function isLoopback(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(host);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

async function readBounded(
  response: Response,
  bytesMax: number,
  what: string,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > bytesMax)
      throw new ImageError("ErrImagePull", `${what}: larger than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
