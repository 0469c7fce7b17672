/** How the receiver of events is reached: by HTTP or HTTPS, over one connection that is kept. */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";

/** As a kubeconfig has it. */
export interface Receiver {
  readonly url: URL;
  /** PEM; the system's own authorities if undefined. */
  readonly authority: string | undefined;
  readonly skipVerify: boolean;
  readonly serverName: string | undefined;
  /** PEM. */
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly token: string | undefined;
}

/** Gives the status of the answer; rejects when there is none. */
export type PostEvents = (body: Buffer, signal: AbortSignal) => Promise<number>;

export function eventsPoster(receiver: Receiver): PostEvents {
  const { token, url } = receiver;
  const isSecure = url.protocol === "https:";
  // One at a time, so that events arrive in their order.
  const agent = isSecure ? new HttpsAgent(tlsOf(receiver)) : new HttpAgent(KEPT);
  const request = isSecure ? httpsRequest : httpRequest;
  return (body, signal) =>
    new Promise((resolve, reject) => {
      const headers = {
        "content-type": "application/json",
        "content-length": body.length,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      };
      const sent = request(url, { agent, method: "POST", headers, signal }, (response) => {
        ended(response).then(resolve, reject);
      });
      sent.once("error", reject);
      sent.end(body);
    });
}

const KEPT = { keepAlive: true, maxSockets: 1 };

function tlsOf({ authority, certificate, key, serverName, skipVerify }: Receiver) {
  return {
    ...KEPT,
    rejectUnauthorized: !skipVerify,
    ...(authority === undefined ? {} : { ca: authority }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
}

/** What the receiver says besides its status is not read, only taken. */
function ended(response: IncomingMessage): Promise<number> {
  return new Promise((resolve, reject) => {
    response.resume();
    response.once("error", reject);
    response.once("end", () => resolve(response.statusCode ?? 0));
  });
}
