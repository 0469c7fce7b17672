/** Who sends a request: by the connection's certificate, else by the token it shows, else nobody in particular. */
import type { Http2ServerRequest } from "node:http2";
import type { TLSSocket } from "node:tls";
import { bearerToken } from "../../authn/bearer-token.ts";
import { certificateUser, type PeerSocket } from "../../authn/client-certificate.ts";
import { impersonated } from "../../authn/impersonation.ts";
import { type ChainSocket, fingerprintsOf, leadsTo } from "../../authn/peer-authority.ts";
import { proxiedUser, type RequestHeaderOptions } from "../../authn/request-header.ts";
import type { TokenAuthenticators } from "../../authn/token-authenticator.ts";
import { ANONYMOUS } from "../../authn/well-known.ts";
import type { Authorizer, User } from "../../chain/steps.ts";

export interface RequestersOptions {
  readonly tokens: TokenAuthenticators;
  readonly authorizer: Authorizer;
  /** PEM: signs the users' own certificates. */
  readonly clientAuthority: string;
  /** Proxies that may name users. Left out: there are none. */
  readonly requestHeader: RequestHeaderOptions | undefined;
}

/** What a connection's certificate says. */
interface Peer {
  readonly user?: User;
  /** The common name of a proxy, which itself is no user. */
  readonly proxy?: string;
}

export class Requesters {
  readonly #options: RequestersOptions;
  readonly #users: ReadonlySet<string>;
  readonly #proxies: ReadonlySet<string>;
  /** By connection: who is at its other end does not change. */
  readonly #peers = new WeakMap<object, Peer>();

  constructor(options: RequestersOptions) {
    this.#options = options;
    this.#users = fingerprintsOf(options.clientAuthority);
    this.#proxies = fingerprintsOf(options.requestHeader?.authority ?? "");
    // Or everybody with a certificate could say that he is somebody else.
    if ([...this.#users].some((each) => this.#proxies.has(each)))
      throw new Error("requestHeader.authority: it also signs users' certificates; give another");
  }

  /** Throws Unauthorized for a token that is not valid, Forbidden for acting as somebody one may not act as. */
  async of(request: Http2ServerRequest): Promise<User> {
    return this.acting(request, await this.authenticated(request));
  }

  /** Who it is, whoever they act as. */
  async authenticated(request: Http2ServerRequest): Promise<User> {
    return this.#certifiedUser(request) ?? (await this.#tokenUser(request)) ?? ANONYMOUS;
  }

  /** As whom the user asks; the same user, mostly. */
  acting(request: Http2ServerRequest, user: User): Promise<User> {
    return impersonated(this.#options.authorizer, user, request.rawHeaders);
  }

  #certifiedUser(request: Http2ServerRequest): User | undefined {
    const { proxy, user } = this.#peerOf(request);
    const { requestHeader } = this.#options;
    if (proxy === undefined || requestHeader === undefined) return user;
    return proxiedUser(proxy, request.rawHeaders, requestHeader);
  }

  #peerOf(request: Http2ServerRequest): Peer {
    const connection = request.stream?.session ?? request.socket;
    const known = this.#peers.get(connection);
    if (known !== undefined) return known;
    const peer = this.#found((request.stream?.session?.socket ?? request.socket) as TLSSocket);
    this.#peers.set(connection, peer);
    return peer;
  }

  #found(socket: TLSSocket): Peer {
    const user = certificateUser(socket as unknown as PeerSocket);
    if (user === undefined) return {};
    const chain = socket as unknown as ChainSocket;
    // Both kinds of authority are known to TLS, and what the one signs must not count as the other's.
    if (leadsTo(chain, this.#proxies)) return { proxy: user.name };
    return leadsTo(chain, this.#users) ? { user } : {};
  }

  async #tokenUser(request: Http2ServerRequest): Promise<User | undefined> {
    const token = bearerToken(request.headers);
    return token === undefined ? undefined : this.#options.tokens.user(token);
  }
}
