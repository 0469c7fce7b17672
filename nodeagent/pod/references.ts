/** The ConfigMaps, Secrets and trust bundles that a pod names. Pure. */
import { allContainers } from "#lib/api/pod";
import type { ClusterTrustBundleProjection, Container, Pod, Volume } from "#proto/core/v1";

export interface References {
  readonly configMaps: ReadonlySet<string>;
  readonly secrets: ReadonlySet<string>;
}

export function referencesOf({ spec }: Pick<Pod, "spec">): References {
  const configMaps = new Set<string>();
  const secrets = new Set<string>();
  for (const { name } of spec.imagePullSecrets ?? []) if (name) secrets.add(name);
  for (const container of allContainers({ spec })) {
    addFromContainer(container, configMaps, secrets);
  }
  for (const volume of spec.volumes ?? []) addFromVolume(volume, configMaps, secrets);
  return { configMaps, secrets };
}

/** What its volumes want of trust bundles. */
export function trustBundlesOf({
  spec,
}: Pick<Pod, "spec">): readonly ClusterTrustBundleProjection[] {
  const sources = (spec.volumes ?? []).flatMap(({ projected }) => projected?.sources ?? []);
  return sources.flatMap(({ clusterTrustBundle }) => clusterTrustBundle ?? []);
}

function addFromContainer(
  { env = [], envFrom = [] }: Container,
  configMaps: Set<string>,
  secrets: Set<string>,
): void {
  for (const { configMapRef, secretRef } of envFrom) {
    if (configMapRef?.name) configMaps.add(configMapRef.name);
    if (secretRef?.name) secrets.add(secretRef.name);
  }
  for (const { valueFrom } of env) {
    if (valueFrom?.configMapKeyRef?.name) configMaps.add(valueFrom.configMapKeyRef.name);
    if (valueFrom?.secretKeyRef?.name) secrets.add(valueFrom.secretKeyRef.name);
  }
}

function addFromVolume(volume: Volume, configMaps: Set<string>, secrets: Set<string>): void {
  if (volume.configMap?.name) configMaps.add(volume.configMap.name);
  if (volume.secret?.secretName) secrets.add(volume.secret.secretName);
  for (const { configMap, secret } of volume.projected?.sources ?? []) {
    if (configMap?.name) configMaps.add(configMap.name);
    if (secret?.name) secrets.add(secret.name);
  }
}
