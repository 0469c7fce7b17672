import { once } from "node:events";
import { StatusError } from "#lib/status-error";
import type { Pod } from "#proto/core/v1";
import type { LogsRequest } from "#services/tunnel";
import { authorize } from "../chain/authorize.ts";
import { found } from "../chain/get.ts";
import type { Steps } from "../chain/steps.ts";
import { flag, whole } from "../front/rest/query.ts";
import type { StreamRequest } from "../front/rest/server.ts";
import { containerOf, place } from "./pod-session.ts";
import { type Frame, sessionFailure, type Tunnel, type TunnelSession } from "./tunnel.ts";

export interface StreamDeps {
  readonly steps: Steps;
  readonly tunnel: Tunnel;
}

/** `GET …/pods/P/log`: the container's output, as plain text, as it comes. */
export async function serveLogs(deps: StreamDeps, request: StreamRequest): Promise<void> {
  const { exchange, route, user, signal } = request;
  const call = { ...route, user, ...exchange.asides };
  await authorize(deps.steps, call, "get");
  if (exchange.request.method !== "GET")
    throw new StatusError("MethodNotAllowed", "the log of a pod can only be read");
  const { query } = exchange;
  if (flag(query, "deleted")) return serveDeletedLogs(deps, request);
  const pod = (await found(deps.steps, { ...call })).object as Pod;
  const logs = logsRequest(query, containerOf(pod, query.get("container")));
  const { node, what } = place(pod, { $case: "logs", value: logs });
  const session = await deps.tunnel.open(node, what, signal);
  await copyLogs(session, request, await session.next());
}

/** The pod is gone, and with it its node's name; so each connected node is asked. */
async function serveDeletedLogs(deps: StreamDeps, request: StreamRequest): Promise<void> {
  const { route, exchange, signal } = request;
  const { namespace = "", name = "" } = route;
  const logs = logsRequest(exchange.query, exchange.query.get("container") ?? "");
  const what = { namespace, pod: name, podUid: "", what: { $case: "logs", value: logs } } as const;
  for (const node of deps.tunnel.nodes) {
    const session = await deps.tunnel.open(node, what, signal);
    const first = await session.next();
    if (first?.$case !== "end" || first.value.errorReason !== "NotFound")
      return copyLogs(session, request, first);
    session.close();
  }
  throw new StatusError("NotFound", `no node keeps logs of a pod "${name}" that is gone`);
}

/** The first frame decides between an error's status and a stream. */
async function copyLogs(
  session: TunnelSession,
  request: StreamRequest,
  first: Frame | undefined,
): Promise<void> {
  const { exchange, signal } = request;
  const { response } = exchange;
  const close = (): void => session.close();
  signal.addEventListener("abort", close, { once: true });
  try {
    if (first === undefined || first.$case === "end") {
      const failure = sessionFailure(first?.value);
      if (failure !== undefined) throw failure;
    }
    exchange.begin(200, "text/plain");
    for (let frame = first; frame !== undefined; frame = await session.next()) {
      if (frame.$case === "end" || signal.aborted) break;
      if (frame.$case !== "stdout" && frame.$case !== "stderr") continue;
      if (!response.write(frame.value)) await once(response, "drain", { signal }).catch(() => {});
    }
    response.end();
  } finally {
    signal.removeEventListener("abort", close);
    session.close();
  }
}

function logsRequest(query: URLSearchParams, container: string): LogsRequest {
  const sinceSeconds = whole(query, "sinceSeconds");
  const tailLines = whole(query, "tailLines");
  const limitBytes = whole(query, "limitBytes");
  return {
    container,
    follow: flag(query, "follow"),
    previous: flag(query, "previous"),
    sinceSeconds: sinceSeconds === undefined ? undefined : BigInt(sinceSeconds),
    sinceTime: query.get("sinceTime") ?? undefined,
    timestamps: flag(query, "timestamps"),
    tailLines: tailLines === undefined ? undefined : BigInt(tailLines),
    limitBytes: limitBytes === undefined ? undefined : BigInt(limitBytes),
    stream: query.get("stream") ?? undefined,
    deleted: flag(query, "deleted"),
  };
}
