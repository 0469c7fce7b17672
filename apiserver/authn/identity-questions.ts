/** Who is somebody? The kinds of authentication.k8s.io. */
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type {
  SelfSubjectReviewStatus,
  TokenReviewSpec,
  TokenReviewStatus,
  UserInfo,
} from "#proto/authentication/v1";
import type { Question, User } from "../chain/steps.ts";
import { type TokenAuthenticators, TokenError } from "./token-authenticator.ts";

export function reviewSelf(user: User): JsonObject {
  const status: SelfSubjectReviewStatus = { userInfo: userInfo(user) };
  return status as unknown as JsonObject;
}

export async function reviewToken(
  tokens: TokenAuthenticators,
  { object }: Question,
): Promise<JsonObject> {
  const { audiences = [], token = "" } = object["spec"] as unknown as TokenReviewSpec;
  if (token === "") {
    throw new StatusError("BadRequest", "token is required for TokenReview in authentication");
  }
  const status = await statusOf(tokens, token, audiences);
  return status as unknown as JsonObject;
}

async function statusOf(
  tokens: TokenAuthenticators,
  token: string,
  audiences: readonly string[],
): Promise<TokenReviewStatus> {
  try {
    const found = await tokens.identify(token, audiences.length === 0 ? undefined : audiences);
    return { authenticated: true, user: userInfo(found.user), audiences: found.audiences };
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    return { user: {}, error: error.message };
  }
}

function userInfo({ extra, groups, name, uid }: User): UserInfo {
  return {
    username: name,
    ...(uid === undefined ? {} : { uid }),
    groups,
    ...(extra === undefined ? {} : { extra }),
  };
}
