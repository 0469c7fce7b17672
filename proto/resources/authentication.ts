import type { SelfSubjectReview } from "#proto/authentication/v1";
import { question } from "./resource.ts";

const V1 = { group: "authentication.k8s.io", version: "v1" } as const;

export const selfSubjectReviews = question<SelfSubjectReview>({
  ...V1,
  kind: "SelfSubjectReview",
  plural: "selfsubjectreviews",
});
