/** The ConfigMap by which pods know the API server: the cluster's authority, in every namespace. */
import type { ConfigMap } from "#proto/core/v1";

export const ROOT_AUTHORITY = "kube-root-ca.crt";
const KEY = "ca.crt";
const DESCRIPTION = "kubernetes.io/description";
const TEXT =
  "The authority that signs the API server's certificate, for programs that reach it from inside the cluster, as kubernetes.default.svc. It need not be good for anything else.";

/** As it should be; undefined if it is. */
export function planRootAuthority(
  found: ConfigMap | undefined,
  namespace: string,
  authority: string,
): ConfigMap | undefined {
  const data = { [KEY]: authority };
  if (found === undefined) {
    const metadata = { name: ROOT_AUTHORITY, namespace, annotations: { [DESCRIPTION]: TEXT } };
    return { apiVersion: "v1", kind: "ConfigMap", metadata, data } as unknown as ConfigMap;
  }
  const { annotations } = found.metadata;
  const keys = Object.keys({ ...found.data, ...found.binaryData });
  const isWell = keys.length === 1 && found.data?.[KEY] === authority;
  if (isWell && annotations?.[DESCRIPTION] !== undefined) return undefined;
  const { binaryData: _, ...rest } = found;
  const metadata = { ...found.metadata, annotations: { ...annotations, [DESCRIPTION]: TEXT } };
  return { ...rest, metadata, data };
}
