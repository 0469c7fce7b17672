/** Who shows a bearer token. Each kind of token has an authenticator; one that a token is not for passes it on. */
import { StatusError } from "#lib/status-error";
import type { User } from "../chain/steps.ts";
import { ShownToken } from "./shown-token.ts";

export interface TokenIdentity {
  readonly user: User;
  /** Those of the asked audiences that the token is for. */
  readonly audiences: readonly string[];
}

export interface TokenAuthenticator {
  /** Undefined for a token of another kind. Throws TokenError for one of its own that is not valid. */
  authenticate(token: ShownToken, audiences: readonly string[]): Promise<TokenIdentity | undefined>;
}

/** Why a token is not valid. For the log and for token reviews; whoever shows it hears only that it is not. */
export class TokenError extends Error {
  override readonly name = "TokenError";
}

/** Longer ones are refused unread: real tokens have a few thousand characters, and reading costs. */
const TOKEN_LENGTH_MAX = 16 * 1024;

/** All of them, in turn. Throws TokenError when the token is none's. */
export class TokenAuthenticators {
  readonly #all: readonly TokenAuthenticator[];
  readonly #apiAudiences: readonly string[];

  /** `apiAudiences` name this API server. */
  constructor(all: readonly TokenAuthenticator[], apiAudiences: readonly string[]) {
    this.#all = all;
    this.#apiAudiences = apiAudiences;
  }

  async identify(token: string, audiences = this.#apiAudiences): Promise<TokenIdentity> {
    if (token.length > TOKEN_LENGTH_MAX) throw new TokenError("the token is too long");
    const shown = new ShownToken(token);
    for (const each of this.#all) {
      const found = await each.authenticate(shown, audiences);
      if (found !== undefined) return found;
    }
    throw new TokenError("invalid bearer token");
  }

  /** For requests. Throws Unauthorized, with the reason as its cause. */
  async user(token: string): Promise<User> {
    try {
      return (await this.identify(token)).user;
    } catch (cause) {
      if (!(cause instanceof TokenError)) throw cause;
      throw new StatusError("Unauthorized", "Unauthorized", { cause });
    }
  }
}
