/** How programs inside the API server's process come before it. */
import { Client, type Transport } from "#client";
import type { ApiServer } from "../apiserver/server.ts";

const NAMESPACE = "kube-system";

/** A service account in kube-system, as its token would name it. */
export function accountUser(account: string): { readonly name: string; readonly groups: string[] } {
  return {
    name: `system:serviceaccount:${NAMESPACE}:${account}`,
    groups: [
      "system:serviceaccounts",
      `system:serviceaccounts:${NAMESPACE}`,
      "system:authenticated",
    ],
  };
}

export function inProcess(
  { core }: Pick<ApiServer, "core">,
  name: string,
  groups: readonly string[],
): Transport {
  return core.as({ name, groups }) as unknown as Transport;
}

export function clientOfAccount(server: Pick<ApiServer, "core">, account: string): Client {
  const { groups, name } = accountUser(account);
  return new Client(inProcess(server, name, groups));
}
