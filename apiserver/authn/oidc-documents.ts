/** What others need to check service accounts' tokens: OpenID Connect discovery. */
import type { AccountTokens } from "./accounts/account-tokens.ts";

export interface OpenDocument {
  readonly type: string;
  readonly body: Buffer;
}

const CONFIGURATION_PATH = "/.well-known/openid-configuration";
const KEYS_PATH = "/openid/v1/jwks";

/** By path. `address` is how clients reach this server, known once it listens: `https://HOST:PORT`. */
export async function oidcDocuments(
  tokens: AccountTokens | undefined,
  address: () => string,
): Promise<(path: string) => OpenDocument | undefined> {
  if (tokens === undefined) return () => undefined;
  const keys = await tokens.keySet();
  const configuration = () => ({
    issuer: tokens.issuer,
    jwks_uri: `${address()}${KEYS_PATH}`,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: keys.keys.map(({ alg }) => alg),
  });
  const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));
  return (path) => {
    if (path === CONFIGURATION_PATH)
      return { type: "application/json", body: json(configuration()) };
    if (path === KEYS_PATH) return { type: "application/jwk-set+json", body: json(keys) };
    return undefined;
  };
}
