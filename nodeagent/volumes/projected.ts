import type { ProjectedVolumeSource, VolumeProjection } from "#proto/core/v1";
import { clusterTrustBundleFiles } from "./cluster-trust-bundle.ts";
import { configMapFiles } from "./config-map.ts";
import { downwardApiFiles } from "./downward-api.ts";
import { secretFiles } from "./secret.ts";
import { serviceAccountTokenFiles } from "./service-account-token.ts";
import { type VolumeContext, VolumeError, type VolumeFiles } from "./volume.ts";

/** Of files with the same path, the last source's stays. */
export function projectedFiles(
  context: VolumeContext,
  source: ProjectedVolumeSource,
  mode: number,
): VolumeFiles {
  return new Map((source.sources ?? []).flatMap((each) => [...projection(context, each, mode)]));
}

function projection(context: VolumeContext, each: VolumeProjection, mode: number): VolumeFiles {
  if (each.configMap !== undefined) return configMapFiles(context, each.configMap, mode);
  if (each.secret !== undefined) return secretFiles(context, each.secret, mode);
  if (each.downwardAPI !== undefined) {
    return downwardApiFiles(context, each.downwardAPI.items ?? [], mode);
  }
  if (each.serviceAccountToken !== undefined)
    return serviceAccountTokenFiles(context, each.serviceAccountToken, mode);
  if (each.clusterTrustBundle !== undefined)
    return clusterTrustBundleFiles(context, each.clusterTrustBundle, mode);
  const [kind = "this source"] = Object.keys(each);
  throw new VolumeError(`projected: ${kind} is not supported`);
}
