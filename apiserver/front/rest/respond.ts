import { type Http2ServerRequest, type Http2ServerResponse, constants as http2 } from "node:http2";
import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { Trail } from "../../audit/trail.ts";
import type { Call } from "../../chain/steps.ts";
import type { Classification } from "../../fairness/dispatcher.ts";
import { statusOf } from "../status.ts";
import { Offer } from "./accept.ts";
import { documentBytes, jsonBytes } from "./encode.ts";
import { indented } from "./indent.ts";
import { JSON_TYPE } from "./media-type.ts";
import { readBytes } from "./read-bytes.ts";

/** Below this, packing costs more time than the network saves; Kubernetes' own threshold. */
const GZIP_BYTES_MIN = 128 * 1024;
/** Each header takes room that proxies bound; a client reads the first few warnings anyway. */
const WARNINGS_MAX = 20;

export interface Answer {
  readonly code: number;
  readonly type: string;
  readonly body: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Nobody changes a query. */
const NO_QUERY = new URLSearchParams();

/** One request and its answer, with what is to be said beside it. */
export class Exchange {
  readonly request: Http2ServerRequest;
  readonly response: Http2ServerResponse;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Of the answer's body, as far as it was sent. */
  bytes = 0;
  /** Of the answer; 0 before it begins. */
  code = 0;
  /** Undefined when nobody records the request. */
  audit: Trail | undefined;
  readonly #warnings: string[] = [];
  /** Set when the request is known to be of a priority level. */
  classification: Classification | undefined;
  #leaving: AbortSignal | undefined;
  /** Made for who asks: most requests are over before anybody does. */
  #abandoned: AbortController | undefined;
  #body: Promise<Buffer> | undefined;
  #isBodyDue = false;
  #isTimedOut = false;

  constructor(request: Http2ServerRequest, response: Http2ServerResponse) {
    this.request = request;
    this.response = response;
    const at = request.url.indexOf("?");
    this.path = at === -1 ? request.url : request.url.slice(0, at);
    this.query = at === -1 ? NO_QUERY : new URLSearchParams(request.url.slice(at + 1));
  }

  /** Aborts when the client leaves, its time is up, or `closing` does. */
  leaving(closing: AbortSignal): AbortSignal {
    if (this.#leaving === undefined) {
      this.#abandoned = new AbortController();
      const abandoned = this.#abandoned;
      if (this.isOver) abandoned.abort();
      else this.response.once("close", () => abandoned.abort());
      this.#leaving = AbortSignal.any([abandoned.signal, closing]);
    }
    return this.#leaving;
  }

  /** What a call may say beside its answer. */
  get asides(): Pick<Call, "audit" | "warn"> {
    const { audit, warn } = this;
    return audit === undefined ? { warn } : { warn, audit };
  }

  /** Nobody hears what would be answered now. */
  get isOver(): boolean {
    return this.#isTimedOut || this.response.closed || this.response.destroyed;
  }

  /** All that the client sends; read once, however often it is asked for. */
  body(): Promise<Buffer> {
    if (this.#body === undefined) {
      this.#isBodyDue = true;
      this.#body = readBytes(this.request).finally(() => {
        this.#isBodyDue = false;
      });
    }
    return this.#body;
  }

  /** Answers in place of whoever is at work on it, and tells him that nobody waits for him. */
  readonly timeOut = (): void => {
    if (this.isOver) return;
    this.#isTimedOut = true;
    this.#abandoned?.abort();
    // Half an answer must not look like a whole one.
    if (this.response.headersSent) this.response.destroy();
    else void this.#failInTime();
  };

  async #failInTime(): Promise<void> {
    const { request, response } = this;
    // There is more to come that nobody will read; the end must not overtake the answer.
    if (this.#isBodyDue) response.once("finish", () => setImmediate(() => request.destroy()));
    const failure = this.#isBodyDue ? bodyTooLate() : tookTooLong();
    this.audit?.failed(statusOf(failure).json, false);
    await this.fail(failure);
  }

  readonly warn = (text: string): void => {
    if (this.#warnings.length < WARNINGS_MAX && !this.#warnings.includes(text))
      this.#warnings.push(text);
  };

  async answer(answer: Answer): Promise<void> {
    let bytes = answer.body;
    const packed = bytes.length >= GZIP_BYTES_MIN && this.takesGzip;
    if (packed) bytes = await promisify(gzip)(bytes, { level: constants.Z_BEST_SPEED });
    if (this.audit !== undefined) await this.audit.completed(answer.code);
    if (this.response.headersSent || this.response.destroyed) return;
    this.begin(answer.code, answer.type, {
      ...answer.headers,
      "content-length": String(bytes.length),
      ...(packed ? { "content-encoding": "gzip" } : {}),
    });
    this.bytes = bytes.length;
    this.response.end(bytes);
    // Only who has read enough pauses: what still comes would hold its stream, or connection, for ever. Not before the answer
    // has gone: the end of a stream overtakes what is still to be sent on it.
    if (this.request.isPaused()) this.#letGo();
  }

  /** Of the rest of a body: HTTP/2 can say that it is not wanted, HTTP/1.1 has to let it pass. */
  #letGo(): void {
    const { request } = this;
    if (request.httpVersionMajor !== 2) {
      request.resume();
      return;
    }
    const { stream } = request;
    // Its own end, not the response's: that one is told only when the stream is closed.
    stream.once("finish", () => setImmediate(() => stream.close(http2.NGHTTP2_NO_ERROR)));
  }

  /** The head of an answer whose body the caller writes. */
  begin(code: number, type: string, headers: Readonly<Record<string, string>> = {}): void {
    const { response } = this;
    response.statusCode = code;
    this.code = code;
    if (this.audit !== undefined) {
      response.setHeader("audit-id", this.audit.id);
      this.audit.started(code);
    }
    response.setHeader("content-type", type);
    response.setHeader("cache-control", "no-cache, private");
    if (this.classification !== undefined) {
      const { level, schema } = this.classification;
      response.setHeader("x-kubernetes-pf-flowschema-uid", schema.metadata.uid);
      response.setHeader("x-kubernetes-pf-prioritylevel-uid", level.configuration.uid);
    }
    if (this.#warnings.length > 0)
      response.setHeader(
        "warning",
        this.#warnings.map((text) => `299 - ${quoted(text)}`),
      );
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  }

  /** An object. Its JSON is indented for people. */
  object(answer: Answer): Promise<void> {
    if (answer.type !== JSON_TYPE || !this.isForPeople) return this.answer(answer);
    return this.answer({ ...answer, body: Buffer.concat([...indented([answer.body])]) });
  }

  /** Whatever the client asks for: some documents are JSON only. */
  json(code: number, value: JsonObject): Promise<void> {
    return this.object({ code, type: JSON_TYPE, body: jsonBytes(value) });
  }

  /** A document of a kind that has no resource, as the client wants it; JSON, if it wants something else. */
  async document(code: number, value: JsonObject, headers: Answer["headers"] = {}): Promise<void> {
    const type = Offer.plain.find(this.request.headers.accept)?.type ?? JSON_TYPE;
    await this.object({ code, type, body: documentBytes(type, value), headers });
  }

  fail(error: StatusError): Promise<void> {
    const { code, json } = statusOf(error);
    const seconds = error.details?.retryAfterSeconds;
    const headers = seconds === undefined ? {} : { "retry-after": String(seconds) };
    return this.document(code, json, headers);
  }

  /** As Kubernetes: who asks for it, and tools whose answers people look at. */
  get isForPeople(): boolean {
    const asked = this.query.get("pretty");
    if (asked) return asked !== "0" && asked.toLowerCase() !== "false";
    const { accept, "user-agent": agent } = this.request.headers;
    return (
      /^(curl|Wget|Mozilla\/5\.0)/.test(agent ?? "") || (accept?.includes("pretty=1") ?? false)
    );
  }

  get takesGzip(): boolean {
    return /\bgzip\b/.test(String(this.request.headers["accept-encoding"] ?? ""));
  }
}

/** A header holds printable ASCII only. */
function quoted(text: string): string {
  const plain = text.replaceAll(/[^\x20-\x7e]/g, "?").replaceAll(/["\\]/g, "\\$&");
  return `"${plain}"`;
}

function tookTooLong(): StatusError {
  return new StatusError("Timeout", "the request took longer than it may, and was given up");
}

/** Request Timeout, of RFC 9110: the client was too slow, not the server. */
function bodyTooLate(): StatusError {
  const message = "the body of the request did not arrive in the time that the request may take";
  return new StatusError("Timeout", message, { foreign: { code: 408, reason: "Timeout" } });
}
