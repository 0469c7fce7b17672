/** What the audit log says of one request's policies, told at once when all of them have been heard. */
import type { Annotate } from "../../chain/steps.ts";

export interface ValidationFailure {
  readonly message: string;
  readonly policy: string;
  readonly binding: string;
  /** Of the policy's validations. */
  readonly expressionIndex: number;
  readonly validationActions: readonly string[];
}

export class PolicyAudit {
  readonly #failures: ValidationFailure[] = [];
  /** By `policy/key`: several bindings and parameters may each have something to say. */
  readonly #values = new Map<string, Set<string>>();

  failed(failure: ValidationFailure): void {
    this.#failures.push(failure);
  }

  says(policy: string, key: string, value: string): void {
    const path = `${policy}/${key}`;
    const values = this.#values.get(path) ?? new Set();
    this.#values.set(path, values.add(value));
  }

  publish(annotate: Annotate): void {
    if (this.#failures.length > 0)
      annotate(
        "validation.policy.admission.k8s.io/validation_failure",
        JSON.stringify(this.#failures),
      );
    for (const [path, values] of this.#values) annotate(path, [...values].join(", "));
  }
}
