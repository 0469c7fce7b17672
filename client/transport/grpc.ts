/** The API over gRPC with mutual TLS: what Naru's own programs speak when they run in a process of their own. */
import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import {
  type CallOptions,
  ChannelCredentials,
  type ChannelOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  InterceptingCall,
  type Interceptor,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { REASONS, type Reason, type StatusDetails, StatusError } from "#lib/status-error";
import type { ApiObject } from "#proto";
import {
  ApiClient,
  type ApiPatchRequest,
  type ApiWatchRequest,
  type ApiWatchResponse,
  type DeleteOptions as DeleteMessage,
  type Envelope,
  type WatchEvent as EventMessage,
  type ListOptions as ListMessage,
  type Target as TargetMessage,
  type WriteOptions as WriteMessage,
} from "#services/api";
import type {
  DeleteOptions,
  ListOptions,
  Patch,
  Target,
  Transport,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "./transport.ts";

export interface GrpcAccess {
  /** `host:port`. */
  readonly address: string;
  /** PEM texts. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

export interface GrpcTransport extends Transport {
  /** The same connection, for calls as somebody else: who connects must have the right to act as that user. */
  as(user: string): Transport;
  close(): void;
}

/** Lists of a whole cluster are one message. */
const MESSAGE_BYTES_MAX = 256 * 1024 * 1024;
/** A call that takes longer has met a server that hangs; the caller tries again. */
const CALL_TIMEOUT_MS = 60_000;
const RECONNECT_MS_MAX = 5_000;

/** Sent instead of an address, which TLS does not allow as a server's name. */
const NAME_FOR_ADDRESSES = "kubernetes";

/** For any client of the server's gRPC port. */
export function channelOptions(access: Pick<GrpcAccess, "address">): ChannelOptions {
  if (isIP(hostOf(access)) === 0) return CHANNEL_OPTIONS;
  return { ...CHANNEL_OPTIONS, "grpc.ssl_target_name_override": NAME_FOR_ADDRESSES };
}

function hostOf({ address }: Pick<GrpcAccess, "address">): string {
  return address.slice(0, address.lastIndexOf(":")).replace(/^\[(.*)\]$/, "$1");
}

const CHANNEL_OPTIONS = {
  "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
  "grpc.max_send_message_length": MESSAGE_BYTES_MAX,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": RECONNECT_MS_MAX,
  "grpc.keepalive_time_ms": 30_000,
} as const;

export function channelCredentials(access: GrpcAccess): ChannelCredentials {
  return ChannelCredentials.createSsl(
    Buffer.from(access.authority),
    Buffer.from(access.key),
    Buffer.from(access.certificate),
    // The name that was sent may be a stand-in; what counts is that the certificate is for where we dialled.
    {
      checkServerIdentity: (_name, certificate) => checkServerIdentity(hostOf(access), certificate),
    },
  );
}

export function grpcTransport(access: GrpcAccess): GrpcTransport {
  const credentials = channelCredentials(access);
  const client = new ApiClient(access.address, credentials, channelOptions(access));
  return {
    ...transportOver(client),
    as: (user) =>
      transportOver(
        new ApiClient(access.address, credentials, {
          channelOverride: client.getChannel(),
          interceptors: [impersonating(user)],
        }),
      ),
    close: () => client.close(),
  };
}

function impersonating(user: string): Interceptor {
  return (options, next) =>
    new InterceptingCall(next(options), {
      start(metadata, listener, go) {
        metadata.set("impersonate-user", user);
        go(metadata, listener);
      },
    });
}

function transportOver(client: ApiClient): Transport {
  return {
    get: async (target) => {
      const request = { target: targetMessage(target) };
      return objectOf((await call(request, client.get.bind(client))).object);
    },
    list: async (target, options) => {
      const request = { target: targetMessage(target), options: listMessage(options) };
      const found = await call(request, client.list.bind(client));
      return {
        items: found.items.map(objectOf),
        resourceVersion: found.resourceVersion,
        ...(found.continue === "" ? {} : { continue: found.continue }),
        ...(found.remainingItemCount === undefined
          ? {}
          : { remainingItemCount: found.remainingItemCount }),
      };
    },
    watch: (target, options, signal) =>
      watchEvents(client.watch(watchMessage(target, options)), signal),
    create: async (target, object, options) => {
      const request = writeRequest(target, object, options);
      return objectOf((await call(request, client.create.bind(client))).object);
    },
    update: async (target, object, options) => {
      const request = writeRequest(target, object, options);
      return objectOf((await call(request, client.update.bind(client))).object);
    },
    patch: async (target, change, options) => {
      const request = patchRequest(target, change, options);
      return objectOf((await call(request, client.patch.bind(client))).object);
    },
    delete: async (target, options) => {
      const request = { target: targetMessage(target), options: deleteMessage(options) };
      const { object } = await call(request, client.delete.bind(client));
      return object === undefined ? undefined : objectOf(object);
    },
    deleteCollection: async (target, list, options) => {
      const request = {
        target: targetMessage(target),
        list: listMessage(list),
        options: deleteMessage(options),
      };
      await call(request, client.deleteCollection.bind(client));
    },
  };
}

type Unary<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  done: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

function call<Request, Response>(
  request: Request,
  send: Unary<Request, Response>,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    // gRPC wants an absolute time, and of the machine's own clock.
    const options = { deadline: new Date(Date.now() + CALL_TIMEOUT_MS) };
    send(request, new Metadata(), options, (error, response) => {
      if (error === null) resolve(response);
      else reject(statusError(error));
    });
  });
}

async function* watchEvents(
  stream: ClientReadableStream<ApiWatchResponse>,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent> {
  const cancel = (): void => stream.cancel();
  if (signal.aborted) cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    for await (const response of stream as AsyncIterable<ApiWatchResponse>) {
      for (const { event } of response.events) if (event !== undefined) yield plainEvent(event);
    }
  } catch (error) {
    // We cancelled it ourselves: an end, as the contract has it.
    if (!signal.aborted) throw statusError(error as ServiceError);
  } finally {
    signal.removeEventListener("abort", cancel);
    stream.cancel();
  }
}

const TYPES = { added: "ADDED", modified: "MODIFIED", deleted: "DELETED" } as const;

function plainEvent(event: NonNullable<EventMessage["event"]>): WatchEvent {
  if (event.$case === "bookmark") {
    const { resourceVersion, initialEventsEnd } = event.value;
    return { type: "BOOKMARK", resourceVersion, initialEventsEnd };
  }
  return { type: TYPES[event.$case], object: objectOf(event.value) };
}

function objectOf(envelope: Envelope | undefined): ApiObject {
  if (envelope === undefined)
    throw new StatusError("InternalError", "the server's answer has no object");
  return JSON.parse(envelope.json.toString("utf8")) as ApiObject;
}

function targetMessage(target: Target): TargetMessage {
  const { resource, namespace = "", name = "", subresource = "" } = target;
  const { group, version, plural } = resource;
  return { group, version, resource: plural, namespace, name, subresource };
}

function listMessage(options: ListOptions = {}): ListMessage {
  return {
    labelSelector: options.labelSelector ?? "",
    fieldSelector: options.fieldSelector ?? "",
    limit: options.limit ?? 0,
    continue: options.continue ?? "",
    resourceVersion: options.resourceVersion ?? "",
    resourceVersionMatch: options.resourceVersionMatch ?? "",
  };
}

function watchMessage(target: Target, options: WatchOptions): ApiWatchRequest {
  return {
    target: targetMessage(target),
    labelSelector: options.labelSelector ?? "",
    fieldSelector: options.fieldSelector ?? "",
    resourceVersion: options.resourceVersion ?? "",
    allowBookmarks: options.allowBookmarks ?? false,
    sendInitialEvents: options.sendInitialEvents ?? false,
    timeoutSeconds: options.timeoutSeconds ?? 0,
  };
}

function writeRequest(target: Target, object: unknown, options?: WriteOptions) {
  return {
    target: targetMessage(target),
    json: Buffer.from(JSON.stringify(object)),
    options: writeMessage(options),
  };
}

function writeMessage(options: WriteOptions = {}): WriteMessage {
  return {
    dryRun: options.dryRun ?? false,
    fieldManager: options.fieldManager ?? "",
    fieldValidation: options.fieldValidation ?? "",
    force: false,
  };
}

const PATCH_CASES = {
  json: "jsonPatch",
  merge: "mergePatch",
  strategic: "strategicMergePatch",
  apply: "applyPatch",
} as const;

function patchRequest(target: Target, change: Patch, options?: WriteOptions): ApiPatchRequest {
  return {
    target: targetMessage(target),
    patch: { $case: PATCH_CASES[change.type], value: Buffer.from(JSON.stringify(change.body)) },
    options: { ...writeMessage(options), force: change.type === "apply" && change.force },
  };
}

function deleteMessage(options: DeleteOptions = {}): DeleteMessage {
  const { gracePeriodSeconds, preconditions } = options;
  return {
    dryRun: options.dryRun ?? false,
    gracePeriodSeconds: gracePeriodSeconds === undefined ? undefined : BigInt(gracePeriodSeconds),
    propagationPolicy: options.propagationPolicy ?? "",
    preconditionUid: preconditions?.uid ?? "",
    preconditionResourceVersion: preconditions?.resourceVersion ?? "",
  };
}

/** Where the server puts the whole Status. */
const STATUS_KEY = "status-bin";

function statusError(error: ServiceError): StatusError {
  const [bytes] = error.metadata?.get(STATUS_KEY) ?? [];
  if (Buffer.isBuffer(bytes)) {
    const { reason, message, details } = JSON.parse(bytes.toString("utf8")) as {
      readonly reason: string;
      readonly message: string;
      readonly details?: StatusDetails;
    };
    const known = Object.hasOwn(REASONS, reason) ? (reason as Reason) : "InternalError";
    return new StatusError(known, message, details === undefined ? {} : { details });
  }
  const reason = error.code === status.DEADLINE_EXCEEDED ? "Timeout" : "ServiceUnavailable";
  return new StatusError(reason, `the API server cannot be reached: ${error.details}`, {
    cause: error,
  });
}
