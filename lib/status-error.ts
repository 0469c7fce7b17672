/** The reasons a request can fail. Both fronts map from this table and from nowhere else. */
export const REASONS = {
  BadRequest: { http: 400, grpc: 3 },
  Unauthorized: { http: 401, grpc: 16 },
  Forbidden: { http: 403, grpc: 7 },
  NotFound: { http: 404, grpc: 5 },
  MethodNotAllowed: { http: 405, grpc: 12 },
  NotAcceptable: { http: 406, grpc: 3 },
  AlreadyExists: { http: 409, grpc: 6 },
  Conflict: { http: 409, grpc: 10 },
  Gone: { http: 410, grpc: 11 },
  Expired: { http: 410, grpc: 11 },
  RequestEntityTooLarge: { http: 413, grpc: 8 },
  UnsupportedMediaType: { http: 415, grpc: 3 },
  Invalid: { http: 422, grpc: 3 },
  TooManyRequests: { http: 429, grpc: 8 },
  InternalError: { http: 500, grpc: 13 },
  ServiceUnavailable: { http: 503, grpc: 14 },
  Timeout: { http: 504, grpc: 4 },
} as const satisfies Record<string, { http: number; grpc: number }>;

export type Reason = keyof typeof REASONS;

/** One thing that is wrong, and where: Kubernetes' StatusCause. */
export interface StatusCause {
  /** FieldValueInvalid, FieldValueRequired, FieldManagerConflict, … */
  readonly reason: string;
  readonly message: string;
  /** The path of the field, as `spec.containers[0].image`. */
  readonly field?: string;
}

/** What the failure is about: Kubernetes' StatusDetails. */
export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  /** The plural resource name for NotFound and AlreadyExists, the kind for Invalid: as Kubernetes has it. */
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** Words of a server outside, which are passed on as they are. */
export interface ForeignStatus {
  /** HTTP's, 400 to 599. */
  readonly code: number;
  /** Any word; may be empty. */
  readonly reason: string;
}

export interface StatusErrorOptions {
  /** What clients are told in place of the reason and its code. */
  readonly foreign?: ForeignStatus;
  readonly details?: StatusDetails;
  /** Of a list whose past is gone: where it can go on in the present. */
  readonly continue?: string;
  readonly cause?: unknown;
}

/** An expected failure that the caller of the API must see. Anything else that is thrown is a bug. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly reason: Reason;
  readonly details: StatusDetails | undefined;
  readonly foreign: ForeignStatus | undefined;
  readonly continue: string | undefined;

  constructor(reason: Reason, message: string, options: StatusErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.details = options.details;
    this.foreign = options.foreign;
    this.continue = options.continue;
  }

  static is(thrown: unknown, reason: Reason): thrown is StatusError {
    return thrown instanceof StatusError && thrown.reason === reason;
  }
}
