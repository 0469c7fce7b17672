import type { Http2ServerRequest } from "node:http2";
import { decodeProtobuf } from "#codec";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { Body } from "../../chain/steps.ts";
import { JSON_TYPE, MEDIA_TYPES, PROTOBUF_TYPE, YAML_TYPE } from "./media-type.ts";
import { parseYaml } from "./read-yaml.ts";
import type { Exchange } from "./respond.ts";

export function mediaType(request: Http2ServerRequest): string {
  const header = request.headers["content-type"] ?? "";
  return (header.split(";")[0] ?? "").trim().toLowerCase();
}

/** An object to write, in any of the encodings that clients send. */
export async function readObject(exchange: Exchange): Promise<Body> {
  return decodeAs(mediaType(exchange.request), await exchange.body());
}

/** Clients may send an empty body with a delete, whatever type they say it has. */
export async function readOptionalObject(exchange: Exchange): Promise<Body | undefined> {
  const bytes = await exchange.body();
  return bytes.length === 0 ? undefined : decodeAs(mediaType(exchange.request), bytes);
}

async function decodeAs(type: string, bytes: Buffer): Promise<Body> {
  switch (type) {
    // `kubectl replace --raw` and `scale` name no type: JSON or YAML, by the first byte.
    case "":
      return decodeText(bytes);
    case JSON_TYPE:
      return bytes;
    case YAML_TYPE:
      return parseYaml(bytes);
    case PROTOBUF_TYPE:
      return fromProtobuf(bytes);
    default:
      throw unsupported(type, MEDIA_TYPES);
  }
}

/** JSON is kept as text, in which fields that stand there twice can be found. */
export async function decodeText(bytes: Buffer): Promise<Body> {
  return isJson(bytes) ? bytes : parseYaml(bytes);
}

export function unsupported(type: string, known: readonly string[]): StatusError {
  return new StatusError(
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ${known.join(", ")}; got "${type}"`,
  );
}

function isJson(bytes: Buffer): boolean {
  const start = bytes.toString("utf8", 0, 64).trimStart();
  return start.startsWith("{") || start.startsWith("[");
}

function fromProtobuf(bytes: Buffer): JsonObject {
  try {
    const { apiVersion, kind, object } = decodeProtobuf(bytes);
    return { ...(object as unknown as JsonObject), apiVersion, kind };
  } catch (cause) {
    throw new StatusError("BadRequest", `the body is not protobuf: ${(cause as Error).message}`, {
      cause,
    });
  }
}
