/** Connections to what stands behind a service: through the tunnel to a pod's node, or else straight to its address. */
import { connect as dialTcp } from "node:net";
import type { Duplex } from "node:stream";
import { type ConnectionOptions, type TLSSocket, connect as wrapTls } from "node:tls";
import type { Clock } from "#lib/clock";
import type { Random } from "#lib/random";
import type { Reader } from "../chain/steps.ts";
import { type ServiceEndpoint, type ServicePort, serviceEndpoints } from "./service-endpoints.ts";
import { sessionSocket } from "./session-socket.ts";
import type { Tunnel } from "./tunnel.ts";

export interface DialDeps {
  readonly reader: Reader;
  readonly random: Random;
  readonly clock: Clock;
  readonly tunnel: Tunnel;
}

/** Of a service's endpoints so many are tried before it counts as unreachable. */
const ENDPOINTS_MAX = 3;
/** A machine that is gone answers nothing at all; one in the cluster answers in milliseconds. */
const CONNECT_TIMEOUT_MS = 3_000;

/** Speaks TLS with one of the service's ready endpoints, in random order. Rejects with why the last one failed. */
export async function dialService(
  deps: DialDeps,
  service: ServicePort,
  tls: ConnectionOptions,
): Promise<TLSSocket> {
  const endpoints = shuffled(await serviceEndpoints(service, deps.reader), deps.random);
  let failure: unknown;
  for (const endpoint of endpoints.slice(0, ENDPOINTS_MAX)) {
    try {
      return await connected(deps, endpoint, tls);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

async function connected(
  deps: DialDeps,
  endpoint: ServiceEndpoint,
  tls: ConnectionOptions,
): Promise<TLSSocket> {
  const timeout = new AbortController();
  const cancel = deps.clock.after(CONNECT_TIMEOUT_MS, () => timeout.abort());
  try {
    const plain = await dial(deps, endpoint, timeout.signal);
    return await secured(plain, tls, timeout.signal);
  } catch (error) {
    const { host, port } = endpoint;
    const why = timeout.signal.aborted
      ? `no answer within ${CONNECT_TIMEOUT_MS / 1000} s`
      : (error as Error).message;
    throw new Error(`${host}:${port}: ${why}`, { cause: error });
  } finally {
    cancel();
  }
}

async function dial(
  { tunnel }: DialDeps,
  { host, pod, port }: ServiceEndpoint,
  signal: AbortSignal,
): Promise<Duplex> {
  if (pod === undefined || !tunnel.isConnected(pod.node)) return dialTcp({ host, port, signal });
  const { name, namespace, node, uid } = pod;
  const what = { $case: "portForward", value: { port } } as const;
  return sessionSocket(
    await tunnel.open(node, { namespace, pod: name, podUid: uid, what }, signal),
  );
}

function secured(socket: Duplex, tls: ConnectionOptions, signal: AbortSignal): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secure = wrapTls({ ...tls, socket });
    const fail = (error: Error): void => {
      signal.removeEventListener("abort", abort);
      secure.destroy();
      socket.destroy();
      reject(error);
    };
    const abort = (): void => fail(new Error("aborted"));
    signal.addEventListener("abort", abort, { once: true });
    // A broken connection below is told by the one above, unless that one has not begun.
    socket.once("error", fail);
    secure.once("error", fail);
    secure.once("secureConnect", () => {
      signal.removeEventListener("abort", abort);
      secure.off("error", fail);
      socket.off("error", fail);
      socket.on("error", (error) => secure.destroy(error));
      resolve(secure);
    });
  });
}

function shuffled<T>(all: readonly T[], random: Random): readonly T[] {
  return all
    .map((each) => ({ each, at: random.fraction() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ each }) => each);
}
