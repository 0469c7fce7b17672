/** The sub-resources that are streams: log, exec, attach, portforward and proxy. */
import { StatusError } from "#lib/status-error";
import type { Pod } from "#proto/core/v1";
import { admissionOf, admit } from "../chain/admit.ts";
import { authorize } from "../chain/authorize.ts";
import { found } from "../chain/get.ts";
import { flag } from "../front/rest/query.ts";
import type { StreamRequest, Streams } from "../front/rest/server.ts";
import { type BytePipe, webSocketPipe } from "./byte-pipe.ts";
import { chooseProtocol } from "./channels.ts";
import { type CommandClient, pipeCommand } from "./command.ts";
import { connectOptions } from "./connect-options.ts";
import { type Agreement, handshakes } from "./handshake.ts";
import { serveProxy, upgradeProxy } from "./http-proxy.ts";
import { type StreamDeps, serveLogs } from "./logs.ts";
import { containerOf, place, type What } from "./pod-session.ts";
import { type Dial, pipeChannelForward, pipeSpdyForward, SPDY_TUNNEL } from "./port-forward.ts";
import { type SpdyProtocol, spdyCommand, type WantedStreams } from "./spdy-command.ts";
import type { TunnelSession } from "./tunnel.ts";
import { webSocketCommand } from "./websocket-command.ts";

const UPGRADED = new Set(["attach", "exec", "portforward"]);

export function podStreams(deps: StreamDeps): Streams {
  const handshake = handshakes();
  return {
    serve: async (request) => {
      const { subresource } = request.route;
      if (subresource === "log") {
        await serveLogs(deps, request);
        return true;
      }
      if (subresource === "proxy") {
        await serveProxy(deps, request);
        return true;
      }
      if (subresource === undefined || !UPGRADED.has(subresource)) return false;
      await allowedPod(deps, request);
      throw new StatusError("BadRequest", "Upgrade request required");
    },
    upgrade: async (request, socket, head) => {
      const { subresource = "" } = request.route;
      if (subresource === "proxy") return upgradeProxy(deps, request, { socket, head });
      if (!UPGRADED.has(subresource) || request.route.resource.plural !== "pods")
        throw new StatusError("BadRequest", "this path cannot be upgraded");
      const pod = await allowedPod(deps, request);
      // Before the protocol: kubectl tries a second one, and its user sees that second answer.
      deps.tunnel.listenerOf(place(pod, { $case: "stats", value: {} }).node);
      if (subresource !== "portforward") commandRequest(request, pod);
      const agreement = handshake(request, socket, head);
      const upgrade = { deps, request, pod, agreement };
      await (subresource === "portforward" ? forward(upgrade) : execute(upgrade));
    },
  };
}

interface Upgrade {
  readonly deps: StreamDeps;
  readonly request: StreamRequest;
  readonly pod: Pod;
  readonly agreement: Agreement;
}

async function allowedPod(deps: StreamDeps, request: StreamRequest): Promise<Pod> {
  const { exchange, route, user } = request;
  const call = { ...route, user, ...exchange.asides };
  await authorize(deps.steps, call, exchange.request.method === "GET" ? "get" : "create");
  await admit(deps.steps, { ...admissionOf(call, "CONNECT"), object: connectOptions(request) });
  return (await found(deps.steps, call)).object as Pod;
}

async function execute(upgrade: Upgrade): Promise<void> {
  const { request, pod } = upgrade;
  const { what, wanted } = commandRequest(request, pod);
  const session = await openSession(upgrade, what);
  try {
    const client = await openCommand(upgrade, wanted);
    await pipeCommand(client, session);
  } finally {
    session.close();
  }
}

async function openCommand(
  { agreement, deps, request }: Upgrade,
  wanted: WantedStreams,
): Promise<CommandClient> {
  const { protocol } = agreement;
  if (agreement.kind === "spdy") {
    const pipe = agreement.open();
    closeWith(request.signal, pipe);
    const { clock } = deps.steps;
    return spdyCommand(pipe, { protocol: protocol as SpdyProtocol, wanted, clock });
  }
  const channels = chooseProtocol(protocol === "" ? [] : [protocol]);
  if (channels === undefined)
    throw new StatusError("BadRequest", `${protocol} is only for port-forward`);
  const socket = await agreement.open();
  closeWith(request.signal, webSocketPipe(socket));
  return webSocketCommand(socket, channels);
}

function commandRequest(
  { exchange, route }: StreamRequest,
  pod: Pod,
): { readonly what: What; readonly wanted: WantedStreams } {
  const { query } = exchange;
  const tty = flag(query, "tty");
  const wanted = {
    stdin: flag(query, "stdin"),
    stdout: flag(query, "stdout"),
    // A terminal has one output.
    stderr: flag(query, "stderr") && !tty,
    tty,
  };
  const streams = { container: containerOf(pod, query.get("container")), ...wanted };
  if (route.subresource === "attach") return { what: { $case: "attach", value: streams }, wanted };
  const command = query.getAll("command");
  if (command.length === 0)
    throw new StatusError("BadRequest", "you must specify at least one command for the container");
  return { what: { $case: "exec", value: { ...streams, command } }, wanted };
}

async function forward(upgrade: Upgrade): Promise<void> {
  const { agreement, request } = upgrade;
  const dial: Dial = (port) =>
    openSession(upgrade, { $case: "portForward", value: { port: checkedPort(port) } });
  if (agreement.kind === "websocket" && agreement.protocol !== SPDY_TUNNEL)
    return forwardChannels(upgrade, agreement, dial);
  const pipe = agreement.kind === "spdy" ? agreement.open() : webSocketPipe(await agreement.open());
  closeWith(request.signal, pipe);
  await pipeSpdyForward(pipe, dial);
}

async function forwardChannels(
  { request }: Upgrade,
  agreement: Extract<Agreement, { kind: "websocket" }>,
  dial: Dial,
): Promise<void> {
  const { protocol: name } = agreement;
  const protocol = chooseProtocol(name === "" ? [] : [name]);
  const ports = request.exchange.query
    .getAll("ports")
    .flatMap((list) => list.split(","))
    .map(Number);
  if (protocol === undefined || ports.length === 0)
    throw new StatusError("BadRequest", 'query parameter "ports" is required');
  ports.forEach(checkedPort);
  const socket = await agreement.open();
  closeWith(request.signal, webSocketPipe(socket));
  await pipeChannelForward(socket, { protocol, ports, dial });
}

function checkedPort(port: number): number {
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new StatusError("BadRequest", `port must be from 1 to 65535: ${port}`);
}

function openSession(upgrade: Upgrade, what: What): Promise<TunnelSession> {
  const { node, what: asked } = place(upgrade.pod, what);
  return upgrade.deps.tunnel.open(node, asked, upgrade.request.signal);
}

/** When the server ends, so does what it carries. */
function closeWith(signal: AbortSignal, pipe: BytePipe): void {
  const close = (): void => pipe.abandon();
  signal.addEventListener("abort", close, { once: true });
  pipe.whenClosed(() => signal.removeEventListener("abort", close));
}
