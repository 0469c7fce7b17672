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
import { PolicyAudit } from "./policy-audit.ts";

interface Validation {
  readonly expression: string;
  readonly compiled: Compiled;
  readonly message: string;
  readonly messageCompiled?: Compiled;
  readonly reason: Reason;
}

/** What the audit log should say, whether or not the policy is content. */
interface AuditAnnotation {
  readonly key: string;
  readonly valueExpression: string;
  readonly compiled: Compiled;
}

interface ValidatingPolicy extends Policy {
  readonly validations: readonly Validation[];
  readonly auditAnnotations: readonly AuditAnnotation[];
}

/** Something that is not as the policy wants it. */
interface Finding {
  readonly message: string;
  readonly reason: Reason;
  /** Of the policy's validations. */
  readonly expressionIndex: number;
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
    const audit = new PolicyAudit();
    for (const bound of all) {
      if (!(await this.#policies.isAbout(bound, request))) continue;
      const findings = await this.#findings(bound, request, audit);
      denials.push(...act(bound, findings, { request, audit }));
    }
    if (request.annotate !== undefined) audit.publish(request.annotate);
    const [first] = denials;
    if (first !== undefined) throw refusal(request, first);
  }

  async #findings(
    bound: Bound<ValidatingPolicy>,
    request: AdmissionRequest,
    audit: PolicyAudit,
  ): Promise<readonly Finding[]> {
    const { isOptional } = bound.policy;
    try {
      const params = await this.#policies.paramsOf(bound, request);
      const seen = await requestIn(request, bound.as);
      const found: Finding[] = [];
      for (const param of params) {
        const evaluation = await this.#policies.evaluation(bound, seen, param);
        found.push(...(await findingsOf(bound.policy, evaluation, audit)));
      }
      return found;
    } catch (error) {
      const message = bindingProblem(error);
      return isOptional ? [] : [{ message, reason: DEFAULT_REASON, expressionIndex: 0 }];
    }
  }
}

/** Does with what was found what the binding says; gives what refuses the request. */
function act(
  { binding, policy }: Bound<ValidatingPolicy>,
  findings: readonly Finding[],
  { audit, request }: { readonly request: AdmissionRequest; readonly audit: PolicyAudit },
): readonly Denial[] {
  const { actions } = binding;
  const named = { policy: policy.name, binding: binding.name };
  for (const { expressionIndex, message } of findings) {
    if (actions.includes("Warn"))
      request.warn?.(
        `Validation failed for ValidatingAdmissionPolicy '${policy.name}' with binding '${binding.name}': ${message}`,
      );
    if (actions.includes("Audit"))
      audit.failed({ message, ...named, expressionIndex, validationActions: actions });
  }
  return actions.includes("Deny") ? findings.map((finding) => ({ ...finding, ...named })) : [];
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
  const auditAnnotations = (spec?.auditAnnotations ?? []).map(({ key, valueExpression }) => ({
    key,
    valueExpression,
    compiled: compile(valueExpression, expressions),
  }));
  return { ...policy, validations, auditAnnotations };
}

async function findingsOf(
  policy: ValidatingPolicy,
  evaluation: Evaluation,
  audit: PolicyAudit,
): Promise<readonly Finding[]> {
  const failed = (message: string, expressionIndex = 0): readonly Finding[] =>
    policy.isOptional ? [] : [{ message, reason: DEFAULT_REASON, expressionIndex }];
  const verdict = await evaluation.conditions();
  if ("error" in verdict) return failed(verdict.error);
  if (!verdict.matches) return [];
  const found: Finding[] = [];
  for (const [expressionIndex, validation] of policy.validations.entries()) {
    const { compiled, expression, reason } = validation;
    const result = await evaluation.run(expression, compiled);
    if (!result.ok) found.push(...failed(result.error, expressionIndex));
    else if (result.value !== true)
      found.push({ message: await messageOf(validation, evaluation), reason, expressionIndex });
  }
  for (const annotation of policy.auditAnnotations) {
    const problem = await annotated(policy, annotation, evaluation, audit);
    if (problem !== undefined) found.push(...failed(problem));
  }
  return found;
}

/** Kubernetes' bound on a value. */
const VALUE_LENGTH_MAX = 10 * 1024;

/** Says what the expression gives, if it gives text; what is wrong with it otherwise. */
async function annotated(
  { name }: ValidatingPolicy,
  { compiled, key, valueExpression }: AuditAnnotation,
  evaluation: Evaluation,
  audit: PolicyAudit,
): Promise<string | undefined> {
  const result = await evaluation.run(valueExpression, compiled);
  if (!result.ok) return result.error;
  if (result.value === null) return undefined;
  if (typeof result.value !== "string")
    return `valueExpression '${valueExpression}' resulted in unsupported return type. Return type must be either string or null.`;
  const value = result.value.trim().slice(0, VALUE_LENGTH_MAX);
  if (value !== "") audit.says(name, key, value);
  return undefined;
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
