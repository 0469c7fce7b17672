/** All kinds that are questions, and who answers each. */
import { StatusError } from "#lib/status-error";
import { selfSubjectReviews, tokenReviews } from "#resources";
import { reviewSelf, reviewToken } from "./authn/identity-questions.ts";
import type { TokenAuthenticators } from "./authn/token-authenticator.ts";
import { ACCESS_QUESTIONS } from "./authz/access-questions.ts";
import type { Authorizer, Reviewer } from "./chain/steps.ts";

export function reviewer(authorizer: Authorizer, tokens: TokenAuthenticators): Reviewer {
  return {
    async answer(question) {
      const { resource, user } = question;
      if (resource === selfSubjectReviews) return reviewSelf(user);
      if (resource === tokenReviews) return reviewToken(tokens, question);
      const answer = ACCESS_QUESTIONS.get(resource);
      if (answer !== undefined) return answer(authorizer, question);
      throw new StatusError("InternalError", `nobody answers questions of kind ${resource.kind}`);
    },
  };
}
