/** All kinds that are questions, and who answers each. */
import { StatusError } from "#lib/status-error";
import { selfSubjectReviews } from "#resources";
import { reviewSelf } from "./authn/identity-questions.ts";
import { ACCESS_QUESTIONS } from "./authz/access-questions.ts";
import type { Authorizer, Reviewer } from "./chain/steps.ts";

export function reviewer(authorizer: Authorizer): Reviewer {
  return {
    async answer(question) {
      const { resource, user } = question;
      if (resource === selfSubjectReviews) return reviewSelf(user);
      const answer = ACCESS_QUESTIONS.get(resource);
      if (answer !== undefined) return answer(authorizer, question);
      throw new StatusError("InternalError", `nobody answers questions of kind ${resource.kind}`);
    },
  };
}
