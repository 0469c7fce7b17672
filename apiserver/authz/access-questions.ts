/** What may somebody do? The kinds of authorization.k8s.io, which ask the authorizer and no one else. */
import type { JsonObject } from "#lib/json";
import type { StatusCause } from "#lib/status-error";
import type {
  NonResourceAttributes,
  ResourceAttributes,
  SelfSubjectRulesReviewSpec,
  SubjectAccessReviewSpec,
  SubjectAccessReviewStatus,
  SubjectRulesReviewStatus,
} from "#proto/authorization/v1";
import type { PolicyRule } from "#proto/rbac/v1";
import {
  localSubjectAccessReviews,
  type Resource,
  selfSubjectAccessReviews,
  selfSubjectRulesReviews,
  subjectAccessReviews,
} from "#resources";
import { nodeOfUser } from "../admission/node-restriction.ts";
import { invalid } from "../chain/failures.ts";
import type { AccessRequest, Authorizer, Question, User } from "../chain/steps.ts";
import { EVERYTHING, tellsRules } from "./escalation.ts";
import { fieldSelectorText } from "./field-selector-text.ts";

type Answer = (access: Authorizer, question: Question) => Promise<JsonObject>;

export const ACCESS_QUESTIONS: ReadonlyMap<Resource, Answer> = new Map<Resource, Answer>([
  [selfSubjectAccessReviews, reviewSelf],
  [subjectAccessReviews, reviewSubject],
  [localSubjectAccessReviews, reviewLocal],
  [selfSubjectRulesReviews, listRules],
]);

function reviewSelf(access: Authorizer, question: Question): Promise<JsonObject> {
  const spec = specOf(question);
  refuse(question, attributeProblems(spec));
  return decide(access, question.user, spec);
}

function reviewSubject(access: Authorizer, question: Question): Promise<JsonObject> {
  const spec = specOf(question);
  refuse(question, [...attributeProblems(spec), ...subjectProblems(spec)]);
  return decide(access, subjectOf(spec), spec);
}

function reviewLocal(access: Authorizer, question: Question): Promise<JsonObject> {
  const { namespace } = question;
  const spec = specOf(question);
  const asked = spec.resourceAttributes?.namespace;
  refuse(question, [
    ...attributeProblems(spec),
    ...subjectProblems(spec),
    ...(spec.nonResourceAttributes === undefined
      ? []
      : [problem("spec.nonResourceAttributes", "disallowed on this kind of request")]),
    ...(spec.resourceAttributes === undefined || asked === namespace
      ? []
      : [
          problem(
            "spec.resourceAttributes.namespace",
            `must match metadata.namespace: ${namespace ?? ""}`,
          ),
        ]),
  ]);
  return decide(access, subjectOf(spec), spec);
}

async function decide(
  access: Authorizer,
  user: User,
  spec: SubjectAccessReviewSpec,
): Promise<JsonObject> {
  const verdict = await access.authorize(requestOf(user, spec));
  const reason = verdict.reason ?? "";
  const status: SubjectAccessReviewStatus = {
    allowed: verdict.allowed,
    ...(reason === "" ? {} : { reason }),
  };
  return status as unknown as JsonObject;
}

async function listRules(access: Authorizer, question: Question): Promise<JsonObject> {
  const { namespace = "" } = question.object["spec"] as unknown as SelfSubjectRulesReviewSpec;
  if (namespace === "") refuse(question, [problem("spec.namespace", "no namespace on request")]);
  const rules = await rulesOf(access, question.user, namespace);
  // What an agent may read depends on the pods of its node, and no rule says it.
  const isNode = nodeOfUser(question.user) !== undefined;
  const status: SubjectRulesReviewStatus = {
    resourceRules: rules
      .filter(({ resources = [] }) => resources.length > 0)
      .map(({ nonResourceURLs: _, ...rule }) => rule),
    nonResourceRules: rules.flatMap(({ nonResourceURLs = [], verbs }) =>
      nonResourceURLs.length === 0 ? [] : [{ verbs, nonResourceURLs }],
    ),
    incomplete: isNode,
    ...(isNode ? { evaluationError: "node authorizer does not support user rule resolution" } : {}),
  };
  return status as unknown as JsonObject;
}

async function rulesOf(
  access: Authorizer,
  user: User,
  namespace: string,
): Promise<readonly PolicyRule[]> {
  // An authorizer without rules lets everyone do everything.
  if (!tellsRules(access)) return EVERYTHING;
  return access.rulesFor(user, namespace);
}

function requestOf(user: User, spec: SubjectAccessReviewSpec): AccessRequest {
  const { nonResourceAttributes, resourceAttributes = {} } = spec;
  if (nonResourceAttributes !== undefined) return pathRequest(user, nonResourceAttributes);
  const { group = "", resource = "", verb = "", version = "" } = resourceAttributes;
  const { name, namespace, subresource } = resourceAttributes;
  const fieldSelector = fieldSelectorText(resourceAttributes.fieldSelector);
  return {
    user,
    verb,
    group,
    version,
    resource,
    ...(subresource ? { subresource } : {}),
    ...(namespace ? { namespace } : {}),
    ...(name ? { name } : {}),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
  };
}

function pathRequest(user: User, { path = "", verb = "" }: NonResourceAttributes): AccessRequest {
  return { user, verb, path };
}

function subjectOf({ extra, groups = [], uid, user = "" }: SubjectAccessReviewSpec): User {
  return {
    name: user,
    groups,
    ...(uid ? { uid } : {}),
    ...(extra === undefined ? {} : { extra }),
  };
}

function specOf({ object }: Question): SubjectAccessReviewSpec {
  return (object["spec"] ?? {}) as unknown as SubjectAccessReviewSpec;
}

function attributeProblems(spec: SubjectAccessReviewSpec): readonly StatusCause[] {
  const { nonResourceAttributes, resourceAttributes } = spec;
  if ((nonResourceAttributes === undefined) !== (resourceAttributes === undefined))
    return selectorProblems(resourceAttributes);
  const detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
  return [problem("spec.resourceAttributes", detail)];
}

function selectorProblems(given: ResourceAttributes | undefined): readonly StatusCause[] {
  const selectors = ["fieldSelector", "labelSelector"] as const;
  return selectors.flatMap((field) => {
    const { rawSelector = "", requirements = [] } = given?.[field] ?? {};
    const at = `spec.resourceAttributes.${field}`;
    if (rawSelector !== "" && requirements.length > 0)
      return [problem(`${at}.rawSelector`, "may not specified at the same time as requirements")];
    if (given?.[field] === undefined || rawSelector !== "" || requirements.length > 0) return [];
    return [
      problem(
        `${at}.requirements`,
        `when ${at} is specified, requirements or rawSelector is required`,
      ),
    ];
  });
}

function subjectProblems({ groups = [], user = "" }: SubjectAccessReviewSpec) {
  if (user !== "" || groups.length > 0) return [];
  return [problem("spec.user", "at least one of user or group must be specified")];
}

function problem(field: string, detail: string): StatusCause {
  return { reason: "FieldValueInvalid", field, message: `Invalid value: ${detail}` };
}

function refuse({ resource }: Question, problems: readonly StatusCause[]): void {
  if (problems.length > 0) throw invalid(resource, "", problems);
}
