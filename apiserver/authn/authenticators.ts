/** Which kinds of tokens this server takes. */
import type { Clock } from "#lib/clock";
import type { Reader } from "../chain/steps.ts";
import type { AccountTokens } from "./accounts/account-tokens.ts";
import { apiTokens } from "./api-tokens.ts";
import { bootstrapUser } from "./bootstrap-tokens.ts";
import { type Fetch, type OidcSettings, OidcTokens } from "./oidc.ts";
import { StaticTokens } from "./static-tokens.ts";
import { TokenAuthenticators } from "./token-authenticator.ts";

export interface AuthenticationOptions {
  /** Text of a token file. */
  readonly tokenFile?: string;
  readonly oidc?: OidcSettings & { readonly fetch: Fetch };
}

export function tokenAuthenticators(
  { oidc, tokenFile = "" }: AuthenticationOptions,
  access: {
    readonly reader: Reader;
    readonly clock: Clock;
    readonly accounts: AccountTokens | undefined;
  },
): TokenAuthenticators {
  const { accounts, clock, reader } = access;
  const audiences = accounts?.audiences ?? [];
  const fixed = new StaticTokens(tokenFile);
  const issuer = oidc && new OidcTokens(oidc, { clock, fetch: oidc.fetch });
  const all = [
    apiTokens(audiences, (token) => fixed.user(token)),
    ...(accounts === undefined ? [] : [accounts.authenticator(reader)]),
    apiTokens(audiences, (token) => bootstrapUser(reader, clock, token)),
    ...(issuer === undefined ? [] : [apiTokens(audiences, (token) => issuer.user(token))]),
  ];
  return new TokenAuthenticators(all, audiences);
}
