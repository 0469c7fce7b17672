/** What an API server of ours is made of, the same in a program, in an in-process cluster and in tests. */
import { signingKey } from "#lib/signing-key";
import { admission } from "../apiserver/admission/index.ts";
import { httpsPoster } from "../apiserver/admission/webhooks/post.ts";
import type { AuthenticationOptions } from "../apiserver/authn/authenticators.ts";
import { authorizer } from "../apiserver/authz/authorizer.ts";
import { patcher } from "../apiserver/chain/patcher.ts";
import type { VersionInfo } from "../apiserver/discovery/discovery.ts";
import { rules } from "../apiserver/rules/index.ts";
import type { Parts } from "../apiserver/server.ts";
import { openApiSource } from "../proto/codec/openapi/index.ts";
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
