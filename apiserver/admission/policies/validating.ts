/** ValidatingAdmissionPolicy: CEL that may refuse what is written. */
import { REASONS, type Reason, StatusError } from "#lib/status-error";
import type { ValidatingAdmissionPolicy } from "#proto/admissionregistration/v1";
import { validatingAdmissionPolicies, validatingAdmissionPolicyBindings } from "#resources";
import { type Compiled, compile } from "../../cel/program.ts";
import type { AdmissionRequest } from "../../chain/steps.ts";
import { requestIn } from "../matching/in-version.ts";
import { type Bound, BoundPolicies, bindingProblem, type PolicyOptions } from "./bound-policies.ts";
import type { Evaluation } from "./evaluation.ts";
import { type Policy, policyOf } from "./policy.ts";

interface Validation {
  readonly expression: string;
  readonly compiled: Compiled;
  readonly message: string;
  readonly messageCompiled?: Compiled;
  readonly reason: Reason;
}

interface ValidatingPolicy extends Policy {
  readonly validations: readonly Validation[];
}

/** Something that is not as the policy wants it. */
interface Finding {
  readonly message: string;
  readonly reason: Reason;
}

interface Denial extends Finding {
  readonly policy: string;
  readonly binding: string;
}

const MESSAGE_LENGTH_MAX = 5 * 1024;
const DEFAULT_REASON: Reason = "Invalid";

export class ValidatingPolicies {
  readonly #policies: BoundPolicies<ValidatingPolicy>;

  constructor(options: PolicyOptions) {
    const kinds = {
      policies: validatingAdmissionPolicies,
      bindings: validatingAdmissionPolicyBindings,
    };
    this.#policies = new BoundPolicies(options, kinds, (object) =>
      validatingPolicyOf(object as ValidatingAdmissionPolicy),
    );
  }

  /** Undefined when no policy is about the request. */
  validate(request: AdmissionRequest): Promise<void> | undefined {
    const { waiting } = this.#policies;
    if (waiting !== undefined) return waiting.then(() => this.validate(request));
    const bound = this.#policies.for(request);
    return bound.length === 0 ? undefined : this.#validate(bound, request);
  }

  async #validate(
    all: readonly Bound<ValidatingPolicy>[],
    request: AdmissionRequest,
  ): Promise<void> {
    const denials: Denial[] = [];
    for (const bound of all) {
      if (!(await this.#policies.isAbout(bound, request))) continue;
      const { binding, policy } = bound;
      const findings = await this.#findings(bound, request);
      const named = { policy: policy.name, binding: binding.name };
      if (binding.actions.includes("Deny"))
        denials.push(...findings.map((finding) => ({ ...finding, ...named })));
      if (!binding.actions.includes("Warn")) continue;
      for (const { message } of findings)
        request.warn?.(
          `Validation failed for ValidatingAdmissionPolicy '${policy.name}' with binding '${binding.name}': ${message}`,
        );
    }
    const [first] = denials;
    if (first !== undefined) throw refusal(request, first);
  }

  async #findings(
    bound: Bound<ValidatingPolicy>,
    request: AdmissionRequest,
  ): Promise<readonly Finding[]> {
    const { isOptional } = bound.policy;
    try {
      const params = await this.#policies.paramsOf(bound, request);
      const seen = await requestIn(request, bound.as);
      const found: Finding[] = [];
      for (const param of params) {
        const evaluation = await this.#policies.evaluation(bound, seen, param);
        found.push(...(await findingsOf(bound.policy, evaluation)));
      }
      return found;
    } catch (error) {
      const message = bindingProblem(error);
      return isOptional ? [] : [{ message, reason: DEFAULT_REASON }];
    }
  }
}

function validatingPolicyOf({ metadata, spec }: ValidatingAdmissionPolicy): ValidatingPolicy {
  const policy = policyOf(metadata.name, spec ?? {});
  const { expressions } = policy.language;
  const validations = (spec?.validations ?? []).map(
    ({ expression, message, messageExpression, reason }) => ({
      expression,
      compiled: compile(expression, expressions),
      message: (message ?? "").trim(),
      reason:
        reason !== undefined && Object.hasOwn(REASONS, reason)
          ? (reason as Reason)
          : DEFAULT_REASON,
      ...(messageExpression ? { messageCompiled: compile(messageExpression, expressions) } : {}),
    }),
  );
  return { ...policy, validations };
}

async function findingsOf(
  policy: ValidatingPolicy,
  evaluation: Evaluation,
): Promise<readonly Finding[]> {
  const failed = (message: string): readonly Finding[] =>
    policy.isOptional ? [] : [{ message, reason: DEFAULT_REASON }];
  const verdict = await evaluation.conditions();
  if ("error" in verdict) return failed(verdict.error);
  if (!verdict.matches) return [];
  const found: Finding[] = [];
  for (const validation of policy.validations) {
    const { compiled, expression, reason } = validation;
    const result = await evaluation.run(expression, compiled);
    if (!result.ok) found.push(...failed(result.error));
    else if (result.value !== true)
      found.push({ message: await messageOf(validation, evaluation), reason });
  }
  return found;
}

/** The policy's own words, if its expression gives a line of text; else the fixed ones. */
async function messageOf(validation: Validation, evaluation: Evaluation): Promise<string> {
  const { expression, message, messageCompiled } = validation;
  if (messageCompiled?.ok) {
    const result = await evaluation.run(messageCompiled.program.expression, messageCompiled);
    const text = result.ok && typeof result.value === "string" ? result.value.trim() : "";
    if (text !== "" && text.length <= MESSAGE_LENGTH_MAX && !text.includes("\n")) return text;
  }
  return message === "" ? `failed expression: ${expression.trim()}` : message;
}

function refusal(request: AdmissionRequest, denial: Denial): StatusError {
  const { name = "", resource } = request;
  const { group, plural } = resource;
  const what = group === "" ? plural : `${plural}.${group}`;
  const why = `ValidatingAdmissionPolicy '${denial.policy}' with binding '${denial.binding}' denied request: ${denial.message}`;
  return new StatusError(denial.reason, `${what} "${name}" is forbidden: ${why}`, {
    details: { name, group, kind: plural, causes: [{ reason: "", message: why }] },
  });
}
