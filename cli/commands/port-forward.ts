/** Opens local ports to ports of a pod, over one WebSocket a connection: v4.channel.k8s.io's form for port-forward. */
import { createServer, type Server, type Socket } from "node:net";
import { WebSocket } from "ws";
import type { Pod, Service } from "#proto/core/v1";
import { pods, services } from "#resources";
import { authorization, tlsOptions } from "../connection/connection.ts";
import { pathOf } from "../connection/path.ts";
import type { Session } from "../session.ts";
import { UserError } from "../terminal.ts";
import { podOf } from "./pods-of.ts";

export interface PortForwardOptions {
  readonly address?: string;
}

interface Forward {
  readonly local: number;
  readonly remote: number;
}

const PROTOCOL = "v4.channel.k8s.io";
/** Data and errors of the one port that each socket carries. */
const CHANNEL = { data: 0, error: 1 } as const;
/** Each channel begins with the port's number, two bytes. */
const PREFACE_BYTES = 2;

/** Serves until the signal aborts. */
export async function portForward(
  session: Session,
  word: string,
  ports: readonly string[],
  options: PortForwardOptions,
): Promise<void> {
  const pod = await podOf(session, word);
  const service = await serviceOf(session, word);
  const address = options.address ?? "127.0.0.1";
  const servers: Server[] = [];
  for (const text of ports) {
    const forward = parsePorts(text, pod, service);
    const server = createServer((socket) => carry(session, pod, forward.remote, socket));
    const local = await listen(server, forward.local, address);
    session.terminal.out(`Forwarding from ${address}:${local} -> ${forward.remote}\n`);
    servers.push(server);
  }
  await new Promise<void>((resolve) => {
    if (session.signal.aborted) resolve();
    session.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  for (const server of servers) server.close();
}

async function serviceOf(session: Session, word: string): Promise<Service | undefined> {
  const [named] = await session.namedObjects([word], pods);
  if (named === undefined || named.resource !== services) return undefined;
  return session.connection.json<Service>(pathOf({ ...named, namespace: session.namespace }));
}

/** `8080`, `8080:80`, `:80` (any free local port), `8080:http`; for a service its own ports, led to the pod's. */
function parsePorts(text: string, pod: Pod, service: Service | undefined): Forward {
  const [first = "", second] = text.split(":");
  const wanted = second ?? first;
  const remote = service === undefined ? podPort(pod, wanted) : servicePort(service, pod, wanted);
  const local = second === undefined ? Number(first) || remote : first === "" ? 0 : Number(first);
  if (!Number.isInteger(local) || local < 0 || local > 65_535) {
    throw new UserError(`${JSON.stringify(text)}: expected LOCAL:REMOTE, for example 8080:80`);
  }
  return { local, remote };
}

function podPort(pod: Pod, wanted: string): number {
  if (/^\d+$/.test(wanted)) return Number(wanted);
  const all = pod.spec.containers.flatMap((container) => container.ports ?? []);
  const found = all.find((port) => port.name === wanted);
  if (found !== undefined) return found.containerPort;
  throw new UserError(`pod/${pod.metadata.name} has no port named ${JSON.stringify(wanted)}`);
}

function servicePort(service: Service, pod: Pod, wanted: string): number {
  const found = (service.spec.ports ?? []).find(
    (port) => String(port.port) === wanted || port.name === wanted,
  );
  if (found === undefined) {
    const have = (service.spec.ports ?? []).map((port) => port.port).join(", ");
    throw new UserError(`service/${service.metadata.name} has no port ${wanted}; it has: ${have}`);
  }
  return podPort(pod, String(found.targetPort ?? found.port));
}

function listen(server: Server, port: number, address: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.once("error", (error: NodeJS.ErrnoException) =>
    reject(
      error.code === "EADDRINUSE"
        ? new UserError(
            `${address}:${port} is taken; choose another local port, or :REMOTE for any`,
          )
        : error,
    ),
  );
  server.listen(port, address, () => {
    const bound = server.address();
    resolve(typeof bound === "object" && bound !== null ? bound.port : port);
  });
  return promise;
}

function carry(session: Session, pod: Pod, port: number, socket: Socket): void {
  const { connection } = session;
  const { name, namespace } = pod.metadata;
  const path = pathOf({ resource: pods, namespace, name, subresource: "portforward" });
  const url = connection.url(path, { ports: port });
  url.protocol = url.protocol.replace("http", "ws");
  const remote = new WebSocket(url, PROTOCOL, {
    headers: authorization(connection.access),
    ...tlsOptions(connection.access),
  });
  const skipped = new Map<number, number>();
  socket.pause();
  remote.on("open", () => socket.resume());
  remote.on("message", (message: Buffer) => {
    const channel = message[0] ?? 0;
    const skip = Math.min(PREFACE_BYTES - (skipped.get(channel) ?? 0), message.length - 1);
    skipped.set(channel, (skipped.get(channel) ?? 0) + skip);
    const data = message.subarray(1 + skip);
    if (data.length === 0) return;
    if (channel === CHANNEL.data) socket.write(data);
    else session.terminal.error(`port ${port}: ${data.toString("utf8")}\n`);
  });
  remote.on("close", () => socket.end());
  remote.on("error", (error) => {
    session.terminal.error(`port ${port}: ${error.message}\n`);
    socket.destroy();
  });
  socket.on("data", (data: Buffer) => remote.send(Buffer.concat([Buffer.of(CHANNEL.data), data])));
  socket.on("close", () => remote.close());
  // A client that goes away in the middle is its own affair.
  socket.on("error", () => remote.close());
}
