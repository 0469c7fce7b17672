import type { JsonObject } from "#lib/json";
import type { ServiceAccount } from "#proto/core/v1";
import { serviceAccounts } from "#resources";
import type { Reader } from "../chain/steps.ts";
import { isCreateOf, type Plugin } from "./plugin.ts";

/**
 * Gives a pod that names no pull secrets those of its account. The account need not be there yet: its controller makes
 * the default one a moment after the namespace, and nothing else of it is used without tokens.
 */
export const serviceAccount: Plugin = (request, reader) => {
  const { namespace, object } = request;
  if (!isCreateOf(request, "Pod") || object === undefined) return undefined;
  const spec = object["spec"] as JsonObject;
  if (((spec["imagePullSecrets"] ?? []) as readonly JsonObject[]).length > 0) return undefined;
  return withPullSecrets(object, namespace, reader);
};

async function withPullSecrets(
  object: JsonObject,
  namespace: string | undefined,
  reader: Reader,
): Promise<JsonObject | undefined> {
  const spec = object["spec"] as JsonObject;
  const name = String(spec["serviceAccountName"] ?? "default");
  const found = await reader.get(serviceAccounts, namespace, name);
  const { imagePullSecrets = [] } = (found?.object ?? {}) as Partial<ServiceAccount>;
  if (imagePullSecrets.length === 0) return undefined;
  return {
    ...object,
    spec: { ...spec, imagePullSecrets: imagePullSecrets as unknown as readonly JsonObject[] },
  };
}
