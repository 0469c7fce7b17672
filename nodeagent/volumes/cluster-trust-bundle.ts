import type { ClusterTrustBundleProjection } from "#proto/core/v1";
import { isInside } from "./atomic-files.ts";
import { type VolumeContext, VolumeError, type VolumeFiles } from "./volume.ts";

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** One file with the certificates of all the bundles that are meant, each once, in an order that does not change by itself. */
export function clusterTrustBundleFiles(
  context: VolumeContext,
  source: ClusterTrustBundleProjection,
  mode: number,
): VolumeFiles {
  const { name, optional = false, path, signerName = "" } = source;
  if (!isInside(path)) throw new VolumeError(`path "${path}" leaves the volume`);
  const bundles = context.trustBundles(source);
  if (bundles.length === 0 && !optional) {
    throw new VolumeError(
      name === undefined
        ? `no clustertrustbundle of signer "${signerName}" has the wanted labels`
        : `clustertrustbundle "${name}" not found`,
    );
  }
  const blocks = bundles.flatMap(({ spec }) => spec.trustBundle.match(BLOCK) ?? []);
  const text = [...new Set(blocks)].toSorted().join("\n");
  return new Map([[path, { data: Buffer.from(text === "" ? "" : `${text}\n`), mode }]]);
}
