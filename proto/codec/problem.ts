/** What is wrong with an object as it was sent: where, what, and how to mend it. */
export interface Problem {
  /** `unknown` and `duplicate` are errors only under strict validation; the others always are. */
  readonly type: "unknown" | "duplicate" | "type" | "value" | "syntax" | "size" | "kind";
  /** `spec.containers[0].image`; "" for the object itself. */
  readonly path: string;
  /** One line that names the place and the fault: `unknown field "spec.foo"`. */
  readonly message: string;
  /** What stood there, shortened, as JSON. */
  readonly value?: string;
  /** What to write instead, where we can tell. */
  readonly mend?: string;
}

/** What Kubernetes' query parameter of this name may say. */
export type FieldValidation = "Strict" | "Warn" | "Ignore";
