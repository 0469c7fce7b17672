import type { SelfSubjectReview, TokenRequest, TokenReview } from "#proto/authentication/v1";
import { question, resource } from "./resource.ts";

const V1 = { group: "authentication.k8s.io", version: "v1" } as const;

export const selfSubjectReviews = question<SelfSubjectReview>({
  ...V1,
  kind: "SelfSubjectReview",
  plural: "selfsubjectreviews",
});
export const tokenReviews = question<TokenReview>({
  ...V1,
  kind: "TokenReview",
  plural: "tokenreviews",
});
/** What `serviceaccounts/token` speaks. It has no route of its own. */
export const tokenRequests = resource<TokenRequest>({
  ...V1,
  kind: "TokenRequest",
  plural: "tokenrequests",
});
