/** What the API server may ask of a node: its pods' logs, exec, attach, port-forward, its stats, and what it tells over HTTP. */
import { join } from "node:path";
import type { NodeSummary } from "#lib/api/node-summary";
import { allContainers } from "#lib/api/pod";
import { parseTime } from "#lib/api/time";
import type { Clock } from "#lib/clock";
import { StatusError } from "#lib/status-error";
import type { Pod } from "#proto/core/v1";
import type { LogsRequest, SessionRequest } from "#services/tunnel";
import { findPodLogs, keptContainer, latestLog } from "../logs/kept-logs.ts";
import { type LogOptions, readLog } from "../logs/read-logs.ts";
import type { ProcessStreams, Runtime } from "../runtime/runtime.ts";
import type { NodeApi } from "./node-api.ts";
import type { Session } from "./tunnel-client.ts";

/** A pod of this node, as sessions need it. */
export interface StreamPod {
  readonly pod: Pod;
  /** Undefined while the container does not run. */
  running(container: string): { readonly id: string } | undefined;
  /** Starts so far. */
  attempts(container: string): number;
}

export interface StreamDeps {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly logs: string;
  find(namespace: string, name: string): StreamPod | undefined;
  /** What the node and its containers use now. */
  summary(signal: AbortSignal): Promise<NodeSummary>;
}

/** Answers the exit code. */
export async function serveSession(
  deps: StreamDeps & { readonly nodeApi: NodeApi },
  session: Session,
): Promise<number> {
  const { what } = session.request;
  switch (what?.$case) {
    case "logs":
      return serveLogs(deps, session, what.value);
    case "exec": {
      const { container, command, tty, stdin } = what.value;
      const containerId = runningId(deps, session, container);
      const process = await deps.runtime.exec({ containerId, command, tty, stdin });
      await pump(session, process);
      return process.exitCode;
    }
    case "attach": {
      const streams = await deps.runtime.attach(runningId(deps, session, what.value.container));
      await pump(session, streams);
      return 0;
    }
    case "portForward": {
      const { pod } = podOf(deps, session.request);
      await pump(session, await deps.runtime.dial(pod.metadata.uid, what.value.port));
      return 0;
    }
    case "stats": {
      const summary = await deps.summary(session.signal);
      await session.send({ $case: "stdout", value: Buffer.from(JSON.stringify(summary)) });
      return 0;
    }
    case "nodeApi":
      await deps.nodeApi.serve(session);
      return 0;
    default:
      throw new StatusError("BadRequest", "this kind of session is not supported by the node");
  }
}

function podOf(deps: StreamDeps, request: PodPlace): StreamPod {
  const found = deps.find(request.namespace, request.pod);
  const isSame = request.podUid === "" || found?.pod.metadata.uid === request.podUid;
  if (found === undefined || !isSame) {
    throw new StatusError("NotFound", `pod "${request.pod}" is not on this node`);
  }
  return found;
}

function containerName({ pod }: StreamPod, asked: string): string {
  const [first] = pod.spec.containers;
  const name = asked === "" ? (first?.name ?? "") : asked;
  if (allContainers(pod).some((container) => container.name === name)) return name;
  const message = `container ${name} is not valid for pod ${pod.metadata.name}`;
  throw new StatusError("BadRequest", message);
}

function runningId(deps: StreamDeps, session: Session, asked: string): string {
  const found = podOf(deps, session.request);
  const name = containerName(found, asked);
  const id = found.running(name)?.id;
  if (id !== undefined) return id;
  throw new StatusError(
    "BadRequest",
    `container "${name}" of pod "${session.request.pod}" does not run`,
  );
}

/** Both directions, until the process's side has no more. */
async function pump(session: Session, streams: ProcessStreams): Promise<void> {
  const abort = (): void => streams.abort();
  session.signal.addEventListener("abort", abort, { once: true });
  const input = takeInput(session, streams);
  try {
    for await (const { stream, data } of streams.output) {
      await session.send({ $case: stream, value: Buffer.from(data) });
    }
  } finally {
    session.signal.removeEventListener("abort", abort);
    // The client may keep its side open for ever; nobody waits for it.
    input.catch(() => {});
  }
}

async function takeInput(session: Session, streams: ProcessStreams): Promise<void> {
  for await (const frame of session.frames) {
    if (frame.$case === "stdin") await streams.write(frame.value);
    else if (frame.$case === "stdinEnd") streams.closeStdin();
    else if (frame.$case === "resize") streams.resize(frame.value.width, frame.value.height);
  }
}

async function serveLogs(deps: StreamDeps, session: Session, asked: LogsRequest): Promise<number> {
  const { request, signal } = session;
  for await (const value of podLogs(deps, { ...request, asked }, signal)) {
    await session.send({ $case: "stdout", value });
    if (signal.aborted) break;
  }
  return 0;
}

/** Which pod's. An empty uid is any's. */
export type PodPlace = Pick<SessionRequest, "namespace" | "pod" | "podUid">;

/** A container's log, in pieces, as it comes. Throws StatusErrors. */
export async function* podLogs(
  deps: StreamDeps,
  { asked, ...place }: PodPlace & { readonly asked: LogsRequest },
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const { path, isAlive } = logOf(deps, place, asked);
  const source = { path, isAlive, clock: deps.clock, signal };
  for await (const { data } of readLog(source, logOptions(asked, deps.clock.nowMs()))) yield data;
}

interface FoundLog {
  readonly path: string;
  isAlive(): boolean;
}

function logOf(deps: StreamDeps, place: PodPlace, asked: LogsRequest): FoundLog {
  const { namespace, pod: name, podUid } = place;
  const found = deps.find(namespace, name);
  if (asked.deleted && found === undefined) return keptLog(deps, place, asked);
  const own = podOf(deps, place);
  const container = containerName(own, asked.container);
  const attempt = own.attempts(container) - (asked.previous ? 2 : 1);
  if (attempt < 0 && asked.previous) {
    const which = `previous terminated container "${container}" in pod "${name}" not found`;
    throw new StatusError("BadRequest", which);
  }
  if (attempt < 0) {
    const which = `container "${container}" in pod "${name}" is waiting to start`;
    throw new StatusError("BadRequest", which);
  }
  const uid = podUid === "" ? own.pod.metadata.uid : podUid;
  const directory = join(deps.logs, `${namespace}_${name}_${uid}`);
  return {
    path: join(directory, container, `${attempt}.log`),
    isAlive: () => !asked.previous && own.running(container) !== undefined,
  };
}

/** Attempts are numbered; the highest that is there is the last. */
function keptLog(
  deps: StreamDeps,
  { namespace, pod: name }: PodPlace,
  asked: LogsRequest,
): FoundLog {
  const directory = findPodLogs(deps.logs, { namespace, name });
  if (directory === undefined)
    throw new StatusError("NotFound", `no logs of a deleted pod "${name}" are kept on this node`);
  const container = keptContainer(directory, name, asked.container);
  const path = latestLog(directory, container, asked.previous ? 1 : 0);
  if (path === undefined) {
    const which = `previous terminated container "${container}" in pod "${name}" not found`;
    throw new StatusError("BadRequest", which);
  }
  return { path, isAlive: () => false };
}

function logOptions(asked: LogsRequest, nowMs: number): LogOptions {
  const { follow, timestamps, tailLines, limitBytes, sinceSeconds, sinceTime, stream } = asked;
  const sinceMs =
    sinceSeconds === undefined ? parseTime(sinceTime) : nowMs - Number(sinceSeconds) * 1000;
  return {
    follow,
    timestamps,
    stream: stream === "Stdout" || stream === "Stderr" ? stream : "All",
    ...(tailLines === undefined ? {} : { tailLines: Number(tailLines) }),
    ...(limitBytes === undefined ? {} : { limitBytes: Number(limitBytes) }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
  };
}
