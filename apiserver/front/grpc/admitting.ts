/** Lets a call begin when its flow is due, and gives its seats back when it is done. */
import type { ServerUnaryCall } from "@grpc/grpc-js";
import { abandoned } from "../../chain/failures.ts";
import type { Call } from "../../chain/steps.ts";
import type { FlowControl } from "../../fairness/flow-control.ts";
import type { Listing } from "../../fairness/width.ts";

export interface Asking {
  readonly call: Call;
  readonly verb: string;
  /** Of what reads a whole collection. */
  readonly list?: Listing;
  /** gRPC's own side of it, which says when the client gives up. */
  readonly stream: Pick<
    ServerUnaryCall<unknown, unknown>,
    "cancelled" | "getPeer" | "metadata" | "once"
  >;
}

/** A quarter of the minute that Naru's own clients give a call. */
const WAIT_MS = 15_000;

/** `serve` may say that it has begun and needs its seats no longer. */
export async function admitted<T>(
  flowControl: FlowControl,
  asking: Asking,
  serve: (call: Call, started: () => void) => Promise<T>,
): Promise<T> {
  const { call, list, stream, verb } = asking;
  const { namespace, resource, subresource, user } = call;
  const arrival = {
    user,
    verb,
    path: "",
    resource,
    ...(subresource === undefined ? {} : { subresource }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(list === undefined ? {} : { list }),
  };
  let leaving: AbortSignal | undefined;
  const signal = () => {
    leaving ??= cancelling(stream);
    return leaving;
  };
  const wait = { bodyBytes: 0, waitMs: WAIT_MS, signal };
  const entered = flowControl.enter(arrival, flowControl.classify(arrival), wait);
  const pass = entered instanceof Promise ? await entered : entered;
  try {
    if (stream.cancelled) throw abandoned();
    return await serve({ ...call, abandoned: signal }, () => pass.release());
  } finally {
    pass.release();
  }
}

function cancelling(stream: Asking["stream"]): AbortSignal {
  const leaving = new AbortController();
  if (stream.cancelled) leaving.abort();
  else stream.once("cancelled", () => leaving.abort());
  return leaving.signal;
}
