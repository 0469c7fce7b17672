/** Secrets of type kubernetes.io/service-account-token: whoever makes one gets an account's token into it. */
import type { Secret, ServiceAccount } from "#proto/core/v1";

export const TOKEN_TYPE = "kubernetes.io/service-account-token";
const ANNOTATION = "kubernetes.io/service-account";

export type TokenSecretPlan =
  | { readonly do: "nothing" }
  /** Its account is gone, or is another one of the same name now. */
  | { readonly do: "remove" }
  | { readonly do: "fill"; readonly needsToken: boolean };

/** The name of the account whose token the Secret is to hold; undefined for a Secret of another type. */
export function accountNameOf({ metadata, type }: Secret): string | undefined {
  if (type !== TOKEN_TYPE) return undefined;
  return metadata.annotations?.[`${ANNOTATION}.name`];
}

export function planTokenSecret(
  secret: Secret,
  account: ServiceAccount | undefined,
  authority: string,
): TokenSecretPlan {
  if (secret.metadata.deletionTimestamp !== undefined) return { do: "nothing" };
  const claimed = secret.metadata.annotations?.[`${ANNOTATION}.uid`] ?? "";
  if (account === undefined || (claimed !== "" && claimed !== account.metadata.uid))
    return { do: "remove" };
  const { data = {} } = secret;
  const needsToken = (data["token"] ?? "") === "";
  const isWhole =
    !needsToken &&
    claimed !== "" &&
    data["ca.crt"] === base64(authority) &&
    data["namespace"] === base64(secret.metadata.namespace ?? "");
  return isWhole ? { do: "nothing" } : { do: "fill", needsToken };
}

/** `token`: undefined keeps the one that is there. */
export function filled(
  secret: Secret,
  account: ServiceAccount,
  { authority, token }: { readonly authority: string; readonly token: string | undefined },
): Secret {
  const { metadata } = secret;
  return {
    ...secret,
    metadata: {
      ...metadata,
      annotations: { ...metadata.annotations, [`${ANNOTATION}.uid`]: account.metadata.uid },
    },
    data: {
      ...secret.data,
      "ca.crt": base64(authority),
      namespace: base64(metadata.namespace ?? ""),
      ...(token === undefined ? {} : { token: base64(token) }),
    },
  };
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
