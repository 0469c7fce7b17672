/** What an API server of ours is made of, the same in a program, in an in-process cluster and in tests. */
import { signingKey } from "#lib/signing-key";
import type { Plugins } from "../apiserver/admission/choice.ts";
import { admission } from "../apiserver/admission/index.ts";
import { httpsPoster } from "../apiserver/admission/webhooks/post.ts";
import type { AuthenticationOptions } from "../apiserver/authn/authenticators.ts";
import { USUAL_HEADERS } from "../apiserver/authn/request-header.ts";
import { authorizer } from "../apiserver/authz/authorizer.ts";
import { patcher } from "../apiserver/chain/patcher.ts";
import type { VersionInfo } from "../apiserver/discovery/discovery.ts";
import { rules } from "../apiserver/rules/index.ts";
import type { ApiServerOptions, Parts } from "../apiserver/server.ts";
import { openApiSource } from "../proto/codec/openapi/index.ts";
import { FRONT_PROXY } from "./pki/certificates.ts";
import type { FrontProxyFiles } from "./pki/front-proxy.ts";
import { KUBERNETES_VERSION } from "./version.ts";

export interface ApiPartsOptions {
  /** Of ClusterIPs, as `10.96.0.0/16`. */
  readonly serviceCidr: string;
  /** Ends what the parts follow by themselves. */
  readonly signal: AbortSignal;
  /** Pods need an account that exists; true if left out. */
  readonly serviceAccounts?: boolean;
  /** PEM of the key that signs service accounts' tokens. */
  readonly tokenKey: string;
  readonly authentication?: AuthenticationOptions;
  /** The admission plugins that run; Kubernetes' defaults if left out. */
  readonly plugins?: Plugins;
}

/** Names the signer in tokens: how pods reach the API server, as Kubernetes' installers have it. */
const TOKEN_ISSUER = "https://kubernetes.default.svc.cluster.local";

export function apiParts(options: ApiPartsOptions): Parts {
  const { authentication = {}, signal, tokenKey } = options;
  const post = httpsPoster();
  return {
    authorizer: authorizer(signal),
    admission: admission({ serviceAccounts: true, ...options, post }),
    post,
    rules,
    patcher,
    authentication,
    tokens: { issuer: TOKEN_ISSUER, key: signingKey(tokenKey) },
    openApi: (custom) => openApiSource({ version: KUBERNETES_VERSION }, custom),
  };
}

/** The one proxy that may name users is the API server itself, before extension API servers and other API servers. PEM. */
export function frontProxyParts(
  files: FrontProxyFiles,
): Required<Pick<ApiServerOptions, "frontProxy" | "requestHeader">> {
  const { authority, certificate, key } = files;
  return {
    frontProxy: { certificate, key },
    requestHeader: { authority, allowedNames: [FRONT_PROXY], ...USUAL_HEADERS },
  };
}

/** What `/version` tells. */
export function versionInfo(): VersionInfo {
  const [major = "", minor = ""] = KUBERNETES_VERSION.slice(1).split(".");
  return {
    major,
    minor,
    gitVersion: `${KUBERNETES_VERSION}+naru`,
    gitCommit: "",
    buildDate: "",
  };
}
