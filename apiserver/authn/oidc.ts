/** Users of an OpenID Connect issuer, by their ID tokens. */
import { createRemoteJWKSet, customFetch, type JWTPayload, jwtVerify } from "jose";
import type { Clock } from "#lib/clock";
import type { User } from "../chain/steps.ts";
import type { ShownToken } from "./shown-token.ts";
import { TokenError } from "./token-authenticator.ts";
import { expiryOf, refusal, VerifiedTokens } from "./verified-tokens.ts";
import { AUTHENTICATED } from "./well-known.ts";

/** Kubernetes' flags of the same names. */
export interface OidcSettings {
  /** An https URL. */
  readonly issuerUrl: string;
  readonly clientId: string;
  /** `sub` if left out. */
  readonly usernameClaim?: string;
  /** `-` for none; `ISSUER#` if left out, but none for the claim `email`. */
  readonly usernamePrefix?: string;
  readonly groupsClaim?: string;
  readonly groupsPrefix?: string;
  /** Claims that a token must have, with these values. */
  readonly requiredClaims?: Readonly<Record<string, string>>;
  /** RS256 if left out. */
  readonly signingAlgorithms?: readonly string[];
}

/** Reads from the issuer, whose certificate it checks. */
export type Fetch = (url: string) => Promise<Response>;

type KeySet = ReturnType<typeof createRemoteJWKSet>;

export class OidcTokens {
  readonly #settings: OidcSettings;
  readonly #fetch: Fetch;
  readonly #clock: Clock;
  readonly #verified: VerifiedTokens<User>;
  #keys: Promise<KeySet> | undefined;

  constructor(
    settings: OidcSettings,
    { clock, fetch }: { readonly clock: Clock; readonly fetch: Fetch },
  ) {
    this.#settings = settings;
    this.#fetch = fetch;
    this.#clock = clock;
    this.#verified = new VerifiedTokens(clock);
  }

  /** Undefined for a token of another issuer. Throws TokenError for one that is not valid. */
  async user(token: ShownToken): Promise<User | undefined> {
    const known = this.#verified.known(token);
    if (known !== undefined) return known;
    if (token.issuer() !== this.#settings.issuerUrl) return undefined;
    return this.#verified.add(token, await this.#verify(token.text));
  }

  async #verify(token: string) {
    const { clientId, issuerUrl, signingAlgorithms = ["RS256"] } = this.#settings;
    const keys = await this.#keySet();
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: issuerUrl,
        audience: clientId,
        algorithms: [...signingAlgorithms],
        requiredClaims: ["exp"],
        currentDate: new Date(this.#clock.nowMs()),
      });
      return { value: userOf(payload, this.#settings), expiresMs: expiryOf(payload) };
    } catch (error) {
      throw refusal(error);
    }
  }

  /** Found when first needed: the issuer may run in this very cluster. A failure is not kept. */
  #keySet(): Promise<KeySet> {
    this.#keys ??= this.#discover().catch((error) => {
      this.#keys = undefined;
      const why = error instanceof Error ? error.message : String(error);
      throw new TokenError(`the issuer's keys cannot be read: ${why}`, { cause: error });
    });
    return this.#keys;
  }

  async #discover(): Promise<KeySet> {
    const { issuerUrl } = this.#settings;
    const url = `${issuerUrl.replace(/\/$/, "")}/.well-known/openid-configuration`;
    const response = await this.#fetch(url);
    if (response.status !== 200) throw new Error(`${url} answers ${response.status}`);
    const { issuer, jwks_uri: keys } = (await response.json()) as Readonly<Record<string, unknown>>;
    if (issuer !== issuerUrl) throw new Error(`${url} is of the issuer ${String(issuer)}`);
    return createRemoteJWKSet(new URL(String(keys)), { [customFetch]: (at) => this.#fetch(at) });
  }
}

export function userOf(payload: JWTPayload, settings: OidcSettings): User {
  const { groupsClaim, groupsPrefix = "", issuerUrl, requiredClaims = {} } = settings;
  for (const [claim, value] of Object.entries(requiredClaims)) {
    if (payload[claim] !== value) throw new TokenError(`claim ${claim} is not ${value}`);
  }
  const { usernameClaim = "sub" } = settings;
  const name = payload[usernameClaim];
  if (typeof name !== "string" || name === "") throw new TokenError(`no claim ${usernameClaim}`);
  const isEmail = usernameClaim === "email";
  if (isEmail && payload["email_verified"] === false) throw new TokenError("email not verified");
  const { usernamePrefix = isEmail ? "-" : `${issuerUrl}#` } = settings;
  const prefix = usernamePrefix === "-" ? "" : usernamePrefix;
  const groups = groupsClaim === undefined ? [] : groupsOf(payload[groupsClaim], groupsClaim);
  return {
    name: `${prefix}${name}`,
    groups: [...groups.map((group) => `${groupsPrefix}${group}`), AUTHENTICATED],
  };
}

/** One group may stand without a list around it. */
function groupsOf(value: unknown, claim: string): readonly string[] {
  const all = value === undefined ? [] : [value].flat();
  if (all.every((each) => typeof each === "string")) return all;
  throw new TokenError(`claim ${claim} is no list of texts`);
}
