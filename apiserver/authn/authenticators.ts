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
  { oidc, tokenFile }: AuthenticationOptions,
  access: {
    readonly reader: Reader;
    readonly clock: Clock;
    readonly accounts: AccountTokens | undefined;
  },
): TokenAuthenticators {
  const { accounts, clock, reader } = access;
  const fixed = tokenFile === undefined ? undefined : new StaticTokens(tokenFile);
  const audiences = accounts?.audiences ?? [];
  const issuer = oidc && new OidcTokens(oidc, { clock, fetch: oidc.fetch });
  const all = [
    ...(fixed === undefined ? [] : [apiTokens(audiences, ({ text }) => fixed.user(text))]),
    ...(accounts === undefined ? [] : [accounts.authenticator(reader)]),
    apiTokens(audiences, ({ text }) => bootstrapUser(reader, clock, text)),
    ...(issuer === undefined ? [] : [apiTokens(audiences, (token) => issuer.user(token))]),
  ];
  return new TokenAuthenticators(all, audiences);
}
