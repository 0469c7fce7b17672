/** One try of a probe or of an HTTP or TCP hook. */
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import { type Clock, sleep } from "#lib/clock";
import type { Container, HTTPGetAction, ProbeHandler } from "#proto/core/v1";
import { checkGrpc } from "./grpc.ts";

/** A command that runs in the container. */
export interface CheckProcess {
  readonly output: AsyncIterable<{ readonly data: Uint8Array }>;
  readonly exitCode: Promise<number>;
  abort(): void;
}

export interface CheckTarget {
  readonly container: Container;
  readonly podIp: string;
  exec(command: readonly string[]): Promise<CheckProcess>;
}

export interface CheckResult {
  readonly isGood: boolean;
  readonly message: string;
}

const OUTPUT_BYTES_MAX = 10 * 1024;

/** Never rejects: what cannot be tried has failed. */
export async function check(
  handler: ProbeHandler,
  target: CheckTarget,
  clock: Clock,
  timeoutMs: number,
): Promise<CheckResult> {
  const stop = new AbortController();
  const late = sleep(clock, timeoutMs, stop.signal).then(
    (): CheckResult => ({
      isGood: false,
      message: `command timed out: timeout of ${timeoutMs / 1000}s`,
    }),
  );
  try {
    return await Promise.race([tryOnce(handler, target, stop.signal), late]);
  } catch (error) {
    return { isGood: false, message: error instanceof Error ? error.message : String(error) };
  } finally {
    stop.abort();
  }
}

function tryOnce(
  handler: ProbeHandler,
  target: CheckTarget,
  signal: AbortSignal,
): Promise<CheckResult> {
  const { exec, httpGet, tcpSocket, grpc } = handler;
  if (exec !== undefined) return checkExec(target, exec.command ?? [], signal);
  if (httpGet !== undefined) return checkHttp(target, httpGet, signal);
  if (tcpSocket !== undefined) {
    const host = tcpSocket.host || target.podIp;
    return checkTcp(host, portNumber(target.container, tcpSocket.port), signal);
  }
  if (grpc !== undefined) {
    return checkGrpc(`${target.podIp}:${grpc.port}`, grpc.service ?? "", signal);
  }
  return Promise.resolve({ isGood: true, message: "" });
}

async function checkExec(
  target: CheckTarget,
  command: readonly string[],
  signal: AbortSignal,
): Promise<CheckResult> {
  const process = await target.exec(command);
  signal.addEventListener("abort", () => process.abort(), { once: true });
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const { data } of process.output) {
    if (bytes < OUTPUT_BYTES_MAX) chunks.push(Buffer.from(data));
    bytes += data.length;
  }
  const exitCode = await process.exitCode;
  return { isGood: exitCode === 0, message: Buffer.concat(chunks).toString().trim() };
}

function checkHttp(
  target: CheckTarget,
  action: HTTPGetAction,
  signal: AbortSignal,
): Promise<CheckResult> {
  const { scheme = "HTTP", httpHeaders = [] } = action;
  const host = action.host || target.podIp;
  const port = portNumber(target.container, action.port);
  const path = action.path?.startsWith("/") ? action.path : `/${action.path ?? ""}`;
  const headers: Record<string, string> = { "User-Agent": "kube-probe/1.36", Accept: "*/*" };
  for (const { name, value = "" } of httpHeaders) headers[name] = value;
  const request = scheme === "HTTPS" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const options = { host, port, path, headers, signal, agent: false as const };
    const call = request({
      ...options,
      ...(scheme === "HTTPS" ? { rejectUnauthorized: false } : {}),
    });
    call.on("response", (response) => {
      const { statusCode = 0 } = response;
      response.resume();
      const isGood = statusCode >= 200 && statusCode < 400;
      const message = isGood ? "" : `HTTP probe failed with statuscode: ${statusCode}`;
      resolve({ isGood, message });
    });
    call.on("error", (error) => {
      const url = `${scheme.toLowerCase()}://${host}:${port}${path}`;
      reject(new Error(`Get "${url}": ${error.message}`));
    });
    call.end();
  });
}

function checkTcp(host: string, port: number, signal: AbortSignal): Promise<CheckResult> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    signal.addEventListener("abort", () => socket.destroy(), { once: true });
    socket.on("connect", () => {
      socket.destroy();
      resolve({ isGood: true, message: "" });
    });
    socket.on("error", (error) => reject(new Error(`dial tcp ${host}:${port}: ${error.message}`)));
  });
}

/** A port by number, or by its name among the container's. */
export function portNumber(container: Container, port: number | string): number {
  if (typeof port === "number") return port;
  if (/^\d+$/.test(port)) return Number(port);
  const found = container.ports?.find(({ name }) => name === port);
  if (found === undefined)
    throw new Error(`container ${container.name} has no port named "${port}"`);
  return found.containerPort;
}
