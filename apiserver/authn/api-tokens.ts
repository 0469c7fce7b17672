import type { User } from "../chain/steps.ts";
import type { ShownToken } from "./shown-token.ts";
import type { TokenAuthenticator } from "./token-authenticator.ts";

/** Tokens that name no audience: whoever holds one may show it to this API server, and to no one else. */
export function apiTokens(
  apiAudiences: readonly string[],
  userOf: (token: ShownToken) => Promise<User | undefined> | User | undefined,
): TokenAuthenticator {
  return {
    async authenticate(token, asked) {
      const audiences = apiAudiences.filter((each) => asked.includes(each));
      // A server without a name of its own is asked for none.
      if (audiences.length === 0 && asked.length > 0) return undefined;
      const user = await userOf(token);
      return user && { user, audiences };
    },
  };
}
