/** Reads by HTTPS from a server whose certificate an authority of one's own may have signed. */
import { request } from "node:https";

/** An answer that is longer is no document of the kind that we read. */
const BODY_BYTES_MAX = 1024 * 1024;
const TIMEOUT_MS = 10_000;

/** `authority`: PEM; the system's own authorities if undefined. */
export function httpsFetch(authority: string | undefined): (url: string) => Promise<Response> {
  const ca = authority === undefined ? {} : { ca: authority };
  return (url) =>
    new Promise((resolve, reject) => {
      const sent = request(url, { ...ca, timeout: TIMEOUT_MS }, (response) => {
        const chunks: Buffer[] = [];
        let length = 0;
        response.on("data", (chunk: Buffer) => {
          length += chunk.length;
          if (length > BODY_BYTES_MAX) sent.destroy(new Error(`${url} answers too much`));
          chunks.push(chunk);
        });
        response.on("error", reject);
        response.on("end", () => {
          resolve(new Response(Buffer.concat(chunks), { status: response.statusCode ?? 500 }));
        });
      });
      sent.on("timeout", () => sent.destroy(new Error(`${url} does not answer`)));
      sent.on("error", reject);
      sent.end();
    });
}
