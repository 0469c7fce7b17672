import { GRPCInvalidArgumentError, GRPCResourceExhastedError, GRPCUnavailableError } from "etcd3";
import { StatusError } from "#lib/status-error";
import { StorageFullError, type Write } from "../store.ts";

/** What a failed write means to its writer. Pure. */
export function refusal(error: unknown, writes: readonly Write[]): unknown {
  const cause = { cause: error };
  if (error instanceof GRPCInvalidArgumentError) {
    const bytes = writes.reduce((sum, w) => sum + (w.kind === "put" ? w.value.length : 0), 0);
    const what = `${writes.length} writes of ${bytes} bytes at once`;
    return new StatusError(
      "RequestEntityTooLarge",
      `etcd refuses ${what}; its --max-txn-ops and --max-request-bytes say how many it takes`,
      cause,
    );
  }
  // etcd has one code for two things; only its words tell them apart.
  if (error instanceof GRPCResourceExhastedError && error.message.includes("space exceeded"))
    return new StorageFullError("etcd's database is full (see its --quota-backend-bytes)", cause);
  if (error instanceof GRPCUnavailableError) {
    const message = "etcd was lost during a write, which it may have done or not";
    return new StatusError("ServiceUnavailable", message, cause);
  }
  return error;
}
