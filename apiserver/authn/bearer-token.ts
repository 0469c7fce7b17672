import type { IncomingHttpHeaders } from "node:http2";

const PROTOCOL = "base64url.bearer.authorization.k8s.io.";

/** The token that a request shows; undefined if it shows none. Browsers put it into the list of WebSocket protocols. */
export function bearerToken(headers: IncomingHttpHeaders): string | undefined {
  const { authorization = "" } = headers;
  const [scheme = "", token = "", ...more] = authorization.trim().split(/ +/);
  if (scheme.toLowerCase() === "bearer" && token !== "" && more.length === 0) return token;
  const protocols = String(headers["sec-websocket-protocol"] ?? "").split(/, */);
  const encoded = protocols.find((each) => each.startsWith(PROTOCOL))?.slice(PROTOCOL.length);
  return encoded ? Buffer.from(encoded, "base64url").toString("utf8") : undefined;
}
