import type {
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
} from "#proto/authorization/v1";
import { question } from "./resource.ts";

const V1 = { group: "authorization.k8s.io", version: "v1" } as const;

export const localSubjectAccessReviews = question<LocalSubjectAccessReview>({
  ...V1,
  kind: "LocalSubjectAccessReview",
  plural: "localsubjectaccessreviews",
  namespaced: true,
});
export const selfSubjectAccessReviews = question<SelfSubjectAccessReview>({
  ...V1,
  kind: "SelfSubjectAccessReview",
  plural: "selfsubjectaccessreviews",
});
export const selfSubjectRulesReviews = question<SelfSubjectRulesReview>({
  ...V1,
  kind: "SelfSubjectRulesReview",
  plural: "selfsubjectrulesreviews",
});
export const subjectAccessReviews = question<SubjectAccessReview>({
  ...V1,
  kind: "SubjectAccessReview",
  plural: "subjectaccessreviews",
});
