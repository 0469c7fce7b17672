import type { PodSpec } from "#proto/core/v1";
import { secretNames } from "./mountable-secrets.ts";

/** A mirror shows what runs on a node without the API, so it can have nothing of the API. Undefined when it has not. */
export function refusedMirror(spec: PodSpec): string | undefined {
  // Filled in before admission, where nothing is named.
  const { serviceAccountName = "", volumes = [] } = spec;
  if (!["", "default"].includes(serviceAccountName))
    return "a mirror pod may not reference service accounts";
  if (secretNames(spec).length > 0) return "a mirror pod may not reference secrets";
  const hasToken = volumes.some(({ projected }) =>
    (projected?.sources ?? []).some((each) => each.serviceAccountToken !== undefined),
  );
  return hasToken ? "a mirror pod may not use ServiceAccountToken volume projections" : undefined;
}
