import type { Http2ServerRequest } from "node:http2";
import { JSON_BYTES_MAX } from "#lib/json-bounds";
import { StatusError } from "#lib/status-error";

/** Listens to the stream itself: going over it as an iterator costs several times as much. */
export function readBytes(request: Http2ServerRequest): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length <= JSON_BYTES_MAX) {
        chunks.push(chunk);
        return;
      }
      request.pause();
      reject(tooLarge());
    });
    request.once("end", () => {
      const [first] = chunks;
      resolve(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks));
    });
    request.once("error", reject);
    // Without an end before it the client has left in the middle.
    request.once("close", () => {
      if (!request.readableEnded) reject(new StatusError("BadRequest", "the body is incomplete"));
    });
  });
}

function tooLarge(): StatusError {
  return new StatusError(
    "RequestEntityTooLarge",
    `Request entity too large: limit is ${JSON_BYTES_MAX}`,
  );
}
