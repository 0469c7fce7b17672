import { GRPCInvalidArgumentError, GRPCResourceExhastedError, GRPCUnavailableError } from "etcd3";
import { StatusError } from "#lib/status-error";
import { StorageFullError, type Write } from "../store.ts";

/** What a failed write means to its writer. Pure. */
export function refusal(error: unknown, writes: readonly Write[]): unknown {
  const cause = { cause: error };
  // "Exhausted" is etcd's disk, or gRPC's bound for a message; only the words tell them apart.
  if (error instanceof GRPCResourceExhastedError && error.message.includes("space exceeded"))
    return new StorageFullError("etcd's database is full (see its --quota-backend-bytes)", cause);
  if (error instanceof GRPCInvalidArgumentError || isTooLarge(error)) {
    const bytes = writes.reduce((sum, w) => sum + (w.kind === "put" ? w.value.length : 0), 0);
    return new StatusError(
      "RequestEntityTooLarge",
      `etcd refuses ${writes.length} writes of ${bytes} bytes at once; its --max-txn-ops and --max-request-bytes say how many it takes`,
      cause,
    );
  }
  if (error instanceof GRPCUnavailableError) {
    const message = "etcd was lost during a write, which it may have done or not";
    return new StatusError("ServiceUnavailable", message, cause);
  }
  return error;
}

function isTooLarge(error: unknown): boolean {
  return error instanceof GRPCResourceExhastedError && error.message.includes("larger than max");
}
