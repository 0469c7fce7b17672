/** A failure as Kubernetes' clients read it: metav1.Status. */
import type { JsonObject } from "#lib/json";
import { REASONS, StatusError } from "#lib/status-error";

export interface Status {
  readonly code: number;
  readonly json: JsonObject;
}

export function statusOf(error: StatusError): Status {
  const { details, foreign } = error;
  const code = foreign?.code ?? REASONS[error.reason].http;
  const reason = foreign?.reason ?? error.reason;
  const json = {
    kind: "Status",
    apiVersion: "v1",
    metadata: error.continue === undefined ? {} : { continue: error.continue },
    status: "Failure",
    message: error.message,
    ...(reason === "" ? {} : { reason }),
    ...(details === undefined ? {} : { details: withoutEmpty(details as unknown as JsonObject) }),
    code,
  };
  return { code, json };
}

/** A bug's text may hold what a client must not see, so it hears only that there was one. */
export function publicError(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  return new StatusError("InternalError", "Internal error occurred: see the server's log", {
    cause: error,
  });
}

/** Kubernetes leaves out what is empty. */
function withoutEmpty(details: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(details).filter(([, value]) => value !== undefined && value !== ""),
  );
}
