/** Who is somebody? The kinds of authentication.k8s.io. */
import type { JsonObject } from "#lib/json";
import type { SelfSubjectReviewStatus, UserInfo } from "#proto/authentication/v1";
import type { User } from "../chain/steps.ts";

export function reviewSelf(user: User): JsonObject {
  const status: SelfSubjectReviewStatus = { userInfo: userInfo(user) };
  return status as unknown as JsonObject;
}

function userInfo({ extra, groups, name, uid }: User): UserInfo {
  return {
    username: name,
    ...(uid === undefined ? {} : { uid }),
    groups,
    ...(extra === undefined ? {} : { extra }),
  };
}
