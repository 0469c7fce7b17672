/** Who sends a request: by the connection's certificate, else by the token it shows, else nobody in particular. */
import type { Http2ServerRequest } from "node:http2";
import type { TLSSocket } from "node:tls";
import { bearerToken } from "../../authn/bearer-token.ts";
import { certificateUser, type PeerSocket } from "../../authn/client-certificate.ts";
import { impersonated } from "../../authn/impersonation.ts";
import type { TokenAuthenticators } from "../../authn/token-authenticator.ts";
import { ANONYMOUS } from "../../authn/well-known.ts";
import type { Authorizer, User } from "../../chain/steps.ts";

export class Requesters {
  readonly #tokens: TokenAuthenticators;
  readonly #authorizer: Authorizer;
  /** By connection: who is at its other end does not change. */
  readonly #certified = new WeakMap<object, { readonly user: User | undefined }>();

  constructor(tokens: TokenAuthenticators, authorizer: Authorizer) {
    this.#tokens = tokens;
    this.#authorizer = authorizer;
  }

  /** Throws Unauthorized for a token that is not valid, Forbidden for acting as somebody one may not act as. */
  async of(request: Http2ServerRequest): Promise<User> {
    const user = this.#certifiedUser(request) ?? (await this.#tokenUser(request)) ?? ANONYMOUS;
    return impersonated(this.#authorizer, user, request.rawHeaders);
  }

  #certifiedUser(request: Http2ServerRequest): User | undefined {
    const connection = request.stream?.session ?? request.socket;
    const known = this.#certified.get(connection);
    if (known !== undefined) return known.user;
    const socket = (request.stream?.session?.socket ?? request.socket) as TLSSocket;
    const user = certificateUser(socket as unknown as PeerSocket);
    this.#certified.set(connection, { user });
    return user;
  }

  async #tokenUser(request: Http2ServerRequest): Promise<User | undefined> {
    const token = bearerToken(request.headers);
    return token === undefined ? undefined : this.#tokens.user(token);
  }
}
