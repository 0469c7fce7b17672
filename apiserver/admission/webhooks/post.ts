/** How webhooks are reached: HTTPS, over connections that are kept. */

import type { IncomingMessage } from "node:http";
import { Agent, type RequestOptions, request } from "node:https";

export interface Post {
  /** What the webhook is called: its path, and the name that its certificate is for. */
  readonly url: URL;
  /** Where it is dialled, if not at the URL's host. */
  readonly address?: { readonly host: string; readonly port: number };
  /** PEM certificates; without them the machine's authorities count. */
  readonly authorities?: string;
  readonly body: string;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Rejects when there was no answer. */
export type Poster = (post: Post) => Promise<Answer>;

/** More than any object, and its patch, can have. */
const ANSWER_BYTES_MAX = 16 << 20;
/** Connections to one webhook; further questions wait for one of these. */
const CONNECTIONS_MAX = 64;

export function httpsPoster(): Poster {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS_MAX });
  return async (post) => {
    try {
      return await send(agent, post);
    } catch (error) {
      // The webhook closed a kept connection just as it was used: it has not heard the question.
      if (error instanceof StaleConnection) return send(agent, post);
      throw error;
    }
  };
}

class StaleConnection extends Error {}

function send(agent: Agent, post: Post): Promise<Answer> {
  const { address, authorities, body, signal, url } = post;
  const bytes = Buffer.from(body);
  const options: RequestOptions = {
    agent,
    signal,
    method: "POST",
    host: address?.host ?? url.hostname.replace(/^\[|\]$/g, ""),
    port: address?.port ?? (url.port === "" ? 443 : Number(url.port)),
    path: url.pathname + url.search,
    headers: {
      host: url.host,
      accept: "application/json",
      "content-type": "application/json",
      "content-length": bytes.length,
    },
    ...(address === undefined ? {} : { servername: url.hostname }),
    ...(authorities === undefined ? {} : { ca: authorities }),
  };
  return new Promise((resolve, reject) => {
    const sent = request(options, (response) => {
      read(response).then(resolve, reject);
    });
    sent.once("error", (error: NodeJS.ErrnoException) => {
      const isStale = sent.reusedSocket && error.code === "ECONNRESET";
      reject(isStale ? new StaleConnection() : error);
    });
    sent.end(bytes);
  });
}

async function read(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > ANSWER_BYTES_MAX) {
      response.destroy();
      throw new Error(`the answer has more than ${ANSWER_BYTES_MAX} bytes`);
    }
    chunks.push(chunk);
  }
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") };
}
