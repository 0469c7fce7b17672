/** Tokens of service accounts: issued, and recognised. */
import { createLocalJWKSet, exportJWK, type JSONWebKeySet, jwtVerify, SignJWT } from "jose";
import type { Clock } from "#lib/clock";
import { type Random, uuid } from "#lib/random";
import type { SigningKey } from "#lib/signing-key";
import type { Reader, TokenBinding, TokenIssuer, User } from "../../chain/steps.ts";
import { userOfAccount } from "../service-account-names.ts";
import type { ShownToken } from "../shown-token.ts";
import { type TokenAuthenticator, TokenError, type TokenIdentity } from "../token-authenticator.ts";
import { expiryOf, refusal, type Verified, VerifiedTokens } from "../verified-tokens.ts";
import { boundClaims, CLAIM, LEGACY_ISSUER, userOfClaims } from "./claims.ts";
import { checkStillThere } from "./still-there.ts";

export interface AccountTokenOptions {
  /** The URL that names who signs. It also is the API server's own audience. */
  readonly issuer: string;
  readonly key: SigningKey;
  readonly clock: Clock;
  readonly random: Random;
}

interface Known {
  readonly user: User;
  readonly claims: TokenBinding;
  readonly audiences: readonly string[];
}

export class AccountTokens implements TokenIssuer {
  readonly issuer: string;
  readonly #key: SigningKey;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #verified: VerifiedTokens<Known>;

  constructor({ clock, issuer, key, random }: AccountTokenOptions) {
    this.issuer = issuer;
    this.#key = key;
    this.#clock = clock;
    this.#random = random;
    this.#verified = new VerifiedTokens(clock);
  }

  get audiences(): readonly string[] {
    return [this.issuer];
  }

  async issue(
    claims: TokenBinding,
    audiences: readonly string[],
    lifeSeconds: number,
  ): ReturnType<TokenIssuer["issue"]> {
    const seconds = Math.floor(this.#clock.nowMs() / 1000);
    const account = { namespace: claims.namespace, name: claims.serviceaccount.name };
    const { algorithm, id, privateKey } = this.#key;
    const token = await new SignJWT({ [CLAIM]: claims })
      .setProtectedHeader({ alg: algorithm, kid: id })
      .setIssuer(this.issuer)
      .setSubject(userOfAccount(account))
      .setAudience([...audiences])
      .setIssuedAt(seconds)
      .setNotBefore(seconds)
      .setExpirationTime(seconds + lifeSeconds)
      .setJti(uuid(this.#random))
      .sign(privateKey);
    return { token, expiresMs: (seconds + lifeSeconds) * 1000 };
  }

  /** The public keys, for whoever checks our tokens himself. */
  async keySet(): Promise<JSONWebKeySet> {
    const { algorithm, id, publicKey } = this.#key;
    return { keys: [{ use: "sig", kid: id, alg: algorithm, ...(await exportJWK(publicKey)) }] };
  }

  authenticator(reader: Reader): TokenAuthenticator {
    return { authenticate: (token, audiences) => this.#authenticate(reader, token, audiences) };
  }

  async #authenticate(
    reader: Reader,
    token: ShownToken,
    audiences: readonly string[],
  ): Promise<TokenIdentity | undefined> {
    const known = this.#verified.known(token) ?? (await this.#recognise(token));
    if (known === undefined) return undefined;
    const common = known.audiences.filter((each) => audiences.includes(each));
    if (common.length === 0) throw new TokenError(`the token is for ${known.audiences.join(", ")}`);
    await checkStillThere(reader, known.claims, token.text, this.#clock.nowMs());
    return { user: known.user, audiences: common };
  }

  /** Undefined for a token of somebody else. */
  async #recognise(token: ShownToken): Promise<Known | undefined> {
    if (![this.issuer, LEGACY_ISSUER].includes(token.issuer() ?? "")) return undefined;
    return this.#verified.add(token, await this.#verify(token.text));
  }

  async #verify(token: string): Promise<Verified<Known>> {
    const keys = createLocalJWKSet(await this.keySet());
    try {
      const { payload } = await jwtVerify(token, keys, {
        algorithms: [this.#key.algorithm],
        currentDate: new Date(this.#clock.nowMs()),
      });
      const claims = boundClaims(payload);
      if (claims === undefined) throw new TokenError("the token names no service account");
      const account = { namespace: claims.namespace, name: claims.serviceaccount.name };
      if (payload.sub !== userOfAccount(account))
        throw new TokenError("the token's subject is not its service account");
      const audiences = payload.iss === LEGACY_ISSUER ? [this.issuer] : [payload.aud ?? []].flat();
      const value = { claims, audiences, user: userOfClaims(payload, claims) };
      return { value, expiresMs: expiryOf(payload) };
    } catch (error) {
      throw refusal(error);
    }
  }
}
