import type { JsonObject } from "#lib/json";
import { flag, text } from "../front/rest/query.ts";
import type { StreamRequest } from "../front/rest/server.ts";

/** What a stream's query asks, as the object that admission judges: PodExecOptions and its like. */
export function connectOptions({ exchange, route }: StreamRequest): JsonObject {
  const { query } = exchange;
  if (route.subresource === "portforward") {
    const ports = query.getAll("ports").flatMap((list) => list.split(",").map(Number));
    return typed("PodPortForwardOptions", ports.length === 0 ? {} : { ports });
  }
  const streams = {
    stdin: flag(query, "stdin"),
    stdout: flag(query, "stdout"),
    stderr: flag(query, "stderr"),
    tty: flag(query, "tty"),
  };
  const asked = {
    ...Object.fromEntries(Object.entries(streams).filter(([, wanted]) => wanted)),
    ...text(query, "container"),
  };
  if (route.subresource === "attach") return typed("PodAttachOptions", asked);
  return typed("PodExecOptions", { ...asked, command: query.getAll("command") });
}

function typed(kind: string, fields: JsonObject): JsonObject {
  return { kind, apiVersion: "v1", ...fields };
}
