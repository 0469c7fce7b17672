/** Records calls that come without HTTP: over gRPC, and from programs in this process. */
import { apiVersionOf } from "#resources";
import type { Call, User } from "../chain/steps.ts";
import { publicError, statusOf } from "../front/status.ts";
import type { Auditor } from "./auditor.ts";
import type { Received, Trail } from "./trail.ts";

/** At the other end of a connection. */
export interface Peer {
  readonly sourceIPs: readonly string[];
  readonly userAgent?: string;
}

export interface Caller {
  readonly verb: string;
  /** Absent for a program in this process. */
  readonly peer?: () => Peer;
  /** Who really called, where the call's user is one that it acts as. */
  readonly impersonator?: User | undefined;
}

/** What is done with the call, recorded when somebody wants that. */
export function audited<T>(
  auditor: Auditor | undefined,
  call: Call,
  caller: Caller,
  work: (call: Call) => Promise<T>,
): Promise<T> {
  const trail = auditor?.begin(receivedOf(call, caller));
  if (caller.impersonator !== undefined) trail?.impersonated(call.user);
  return trail === undefined
    ? work(call)
    : recorded(trail, caller, () => work({ ...call, audit: trail }));
}

async function recorded<T>(trail: Trail, caller: Caller, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    await trail.completed(caller.verb === "create" ? 201 : 200);
    return result;
  } catch (error) {
    throw await recordedFailure(trail, error);
  }
}

/** Events, which go on for as long as somebody wants them. */
export function auditedWatch<T>(
  auditor: Auditor | undefined,
  call: Call,
  caller: Caller,
  work: (call: Call) => AsyncIterable<T>,
): AsyncIterable<T> {
  const trail = auditor?.begin(receivedOf(call, caller));
  return trail === undefined ? work(call) : recordedWatch(trail, work({ ...call, audit: trail }));
}

async function* recordedWatch<T>(trail: Trail, events: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* events;
  } catch (error) {
    throw await recordedFailure(trail, error);
  } finally {
    await trail.completed(200);
  }
}

async function recordedFailure(trail: Trail, error: unknown): Promise<unknown> {
  const failure = publicError(error);
  const { code, json } = statusOf(failure);
  trail.failed(json, failure !== error);
  await trail.completed(code);
  return error;
}

function receivedOf(call: Call, { impersonator, peer, verb }: Caller): Received {
  const { name, namespace, resource, subresource, user } = call;
  const path = pathOf(call);
  const object = { group: resource.group, resource: resource.plural, subresource, namespace, name };
  return {
    requested: { user: impersonator ?? user, verb, path, object },
    version: resource.version,
    uri: path,
    isLongRunning: verb === "watch",
    sourceIPs: [],
    ...peer?.(),
  };
}

/** The path that the call would have had over HTTP. */
function pathOf({ name, namespace, resource, subresource }: Call): string {
  const root = resource.group === "" ? "/api" : "/apis";
  const parts = [
    root,
    apiVersionOf(resource),
    ...(namespace === undefined || !resource.namespaced ? [] : ["namespaces", namespace]),
    resource.plural,
    ...(name === undefined ? [] : [name]),
    ...(subresource === undefined ? [] : [subresource]),
  ];
  return parts.join("/");
}
