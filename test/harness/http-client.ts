/** Raw requests to a test server, as its admin: for what kubectl never sends. */
import { once } from "node:events";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import type { TestServer } from "./api-server.ts";

export interface RawRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface RawAnswer {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  json(): Record<string, unknown>;
}

export class HttpClient implements Disposable {
  readonly #agent: Agent;
  readonly #base: string;

  constructor({ admin, authority, server }: TestServer) {
    this.#base = `https://127.0.0.1:${server.restPort}`;
    this.#agent = new Agent({
      keepAlive: true,
      ca: authority.certificate,
      cert: admin.certificate,
      key: admin.key,
    });
  }

  /** Resolves with the head; the body comes as it comes. */
  async open({ body, headers = {}, method = "GET", path }: RawRequest): Promise<IncomingMessage> {
    // Node would leave it out for DELETE.
    const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
    const options = { method, headers: { ...headers, ...length }, agent: this.#agent };
    const asking = request(this.#base + path, options);
    asking.end(body);
    const [response] = (await once(asking, "response")) as [IncomingMessage];
    return response;
  }

  async ask(asked: RawRequest): Promise<RawAnswer> {
    const response = await this.open(asked);
    const body = Buffer.concat(await response.toArray());
    const { headers, statusCode = 0 } = response;
    return { code: statusCode, headers, body, json: () => JSON.parse(body.toString()) };
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}
