/** The sub-resources of a pod that are streams: log, exec, attach, portforward. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { StatusError } from "#lib/status-error";
import type { Pod } from "#proto/core/v1";
import { admissionOf, admit } from "../chain/admit.ts";
import { authorize } from "../chain/authorize.ts";
import { found } from "../chain/get.ts";
import { flag } from "../front/rest/query.ts";
import type { StreamRequest, Streams } from "../front/rest/server.ts";
import { chooseProtocol } from "./channels.ts";
import { connectOptions } from "./connect-options.ts";
import { pipeExec } from "./exec.ts";
import { type StreamDeps, serveLogs } from "./logs.ts";
import { containerOf, place, type What } from "./pod-session.ts";
import { type Dial, pipeChannelForward, pipeSpdyForward, SPDY_TUNNEL } from "./port-forward.ts";
import type { TunnelSession } from "./tunnel.ts";

const UPGRADED = new Set(["attach", "exec", "portforward"]);

export function podStreams(deps: StreamDeps): Streams {
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  sockets.on("headers", (headers, request) => {
    const protocol = chosen.get(request);
    if (protocol) headers.push(`Sec-WebSocket-Protocol: ${protocol}`);
  });
  return {
    serve: async (request) => {
      const { subresource } = request.route;
      if (subresource === "log") {
        await serveLogs(deps, request);
        return true;
      }
      if (subresource === undefined || !UPGRADED.has(subresource)) return false;
      await allowedPod(deps, request);
      throw new StatusError("BadRequest", "Upgrade request required");
    },
    upgrade: async (request, socket, head) => {
      const { subresource = "" } = request.route;
      if (!UPGRADED.has(subresource) || request.route.resource.plural !== "pods")
        throw new StatusError("BadRequest", "this path cannot be upgraded");
      const pod = await allowedPod(deps, request);
      // Before the protocol: kubectl tries a second one, and its user sees that second answer.
      deps.tunnel.listenerOf(place(pod, { $case: "stats", value: {} }).node);
      if (subresource !== "portforward") execRequest(request, pod);
      const protocol = webSocketProtocol(request);
      const open = (): Promise<WebSocket> =>
        handshake(sockets, { request: incoming(request, protocol), socket, head });
      if (subresource === "portforward") await forward({ deps, request, pod, protocol, open });
      else await execute({ deps, request, pod, protocol, open });
    },
  };
}

interface Upgrade {
  readonly deps: StreamDeps;
  readonly request: StreamRequest;
  readonly pod: Pod;
  readonly protocol: string;
  /** Sends the 101; until then a failure can still be told as a Status. */
  readonly open: () => Promise<WebSocket>;
}

async function allowedPod(deps: StreamDeps, request: StreamRequest): Promise<Pod> {
  const { exchange, route, user } = request;
  const call = { ...route, user, warn: exchange.warn };
  await authorize(deps.steps, call, exchange.request.method === "GET" ? "get" : "create");
  await admit(deps.steps, { ...admissionOf(call, "CONNECT"), object: connectOptions(request) });
  return (await found(deps.steps, call)).object as Pod;
}

/** Both attempts of kubectl come here: with a WebSocket, then, if that fails, with SPDY. */
function webSocketProtocol(request: StreamRequest): string {
  const { headers } = request.exchange.request;
  if (String(headers["upgrade"] ?? "").toLowerCase() !== "websocket") {
    throw new StatusError(
      "BadRequest",
      `upgrade to "${String(headers["upgrade"])}" is not supported; use a WebSocket with v5.channel.k8s.io`,
    );
  }
  const offered = String(headers["sec-websocket-protocol"] ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  const chosen = chosenFrom(offered);
  if (chosen !== undefined) return chosen;
  throw new StatusError(
    "BadRequest",
    `unable to upgrade: none of the protocols ${offered.join(", ")} is supported`,
  );
}

function chosenFrom(offered: readonly string[]): string | undefined {
  return offered.includes(SPDY_TUNNEL) ? SPDY_TUNNEL : chooseProtocol(offered)?.name;
}

/** What was agreed on. ws itself refuses a name with a slash in it, which kubectl's tunnel has. */
const chosen = new WeakMap<IncomingMessage, string>();

function incoming({ exchange }: StreamRequest, protocol: string): IncomingMessage {
  const request = exchange.request as unknown as IncomingMessage;
  delete request.headers["sec-websocket-protocol"];
  chosen.set(request, protocol);
  return request;
}

function handshake(
  sockets: WebSocketServer,
  at: { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    at.socket.once("close", () => reject(new StatusError("Timeout", "the client has left")));
    sockets.handleUpgrade(at.request, at.socket, at.head, (opened) => {
      // Until its reader listens, nothing may come: a promise gives control back first.
      opened.pause();
      resolve(opened);
    });
  });
}

async function execute(upgrade: Upgrade): Promise<void> {
  const { request, pod } = upgrade;
  const what = execRequest(request, pod);
  const protocol = chooseProtocol(upgrade.protocol === "" ? [] : [upgrade.protocol]);
  if (protocol === undefined)
    throw new StatusError("BadRequest", `${upgrade.protocol} is only for port-forward`);
  const session = await openSession(upgrade, what);
  try {
    const socket = await upgrade.open();
    closeWith(request.signal, socket);
    const running = pipeExec(socket, protocol, session);
    socket.resume();
    await running;
  } finally {
    session.close();
  }
}

function execRequest({ exchange, route }: StreamRequest, pod: Pod): What {
  const { query } = exchange;
  const tty = flag(query, "tty");
  const streams = {
    container: containerOf(pod, query.get("container")),
    stdin: flag(query, "stdin"),
    stdout: flag(query, "stdout"),
    // A terminal has one output.
    stderr: flag(query, "stderr") && !tty,
    tty,
  };
  if (route.subresource === "attach") return { $case: "attach", value: streams };
  const command = query.getAll("command");
  if (command.length === 0)
    throw new StatusError("BadRequest", "you must specify at least one command for the container");
  return { $case: "exec", value: { ...streams, command } };
}

async function forward(upgrade: Upgrade): Promise<void> {
  const { request } = upgrade;
  const dial: Dial = (port) =>
    openSession(upgrade, { $case: "portForward", value: { port: checkedPort(port) } });
  const isTunnel = upgrade.protocol === SPDY_TUNNEL;
  const protocol = chooseProtocol(upgrade.protocol === "" ? [] : [upgrade.protocol]);
  const ports = request.exchange.query
    .getAll("ports")
    .flatMap((list) => list.split(","))
    .map(Number);
  if (!isTunnel && ports.length === 0)
    throw new StatusError("BadRequest", 'query parameter "ports" is required');
  if (!isTunnel) ports.forEach(checkedPort);
  const socket = await upgrade.open();
  closeWith(request.signal, socket);
  const running =
    isTunnel || protocol === undefined
      ? pipeSpdyForward(socket, dial)
      : pipeChannelForward(socket, { protocol, ports, dial });
  socket.resume();
  await running;
}

function checkedPort(port: number): number {
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new StatusError("BadRequest", `port must be from 1 to 65535: ${port}`);
}

function openSession(upgrade: Upgrade, what: What): Promise<TunnelSession> {
  const { node, what: asked } = place(upgrade.pod, what);
  return upgrade.deps.tunnel.open(node, asked, upgrade.request.signal);
}

function closeWith(signal: AbortSignal, socket: WebSocket): void {
  const close = (): void => socket.close(1001);
  signal.addEventListener("abort", close, { once: true });
  socket.once("close", () => signal.removeEventListener("abort", close));
}
