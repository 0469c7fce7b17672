import { Metadata, type ServiceError } from "@grpc/grpc-js";
import { REASONS, type StatusError } from "#lib/status-error";
import { statusOf } from "../status.ts";

/** Where the whole Status travels: the code alone cannot tell a conflict's cause. */
export const STATUS_KEY = "status-bin";

export function serviceError(error: StatusError): ServiceError {
  const metadata = new Metadata();
  metadata.set(STATUS_KEY, Buffer.from(JSON.stringify(statusOf(error).json)));
  const { grpc } = REASONS[error.reason];
  return Object.assign(new Error(error.message), {
    code: grpc,
    details: error.message,
    metadata,
  });
}
