/** What volumes need of the node, and what they answer. */
import type { ClusterTrustBundle } from "#proto/certificates/v1beta1";
import type {
  ClusterTrustBundleProjection,
  ConfigMap,
  PersistentVolume,
  Pod,
  Secret,
  ServiceAccountTokenProjection,
} from "#proto/core/v1";

export interface VolumeKernel {
  mountTmpfs(path: string, options: { readonly sizeBytes?: number; readonly mode: number }): void;
  unmount(path: string): void;
}

export interface VolumeContext {
  readonly pod: Pod;
  readonly kernel: VolumeKernel;
  /** The pod's own directory for volumes. */
  readonly directory: string;
  configMap(name: string): ConfigMap | undefined;
  secret(name: string): Secret | undefined;
  /** Those that a projection means, by name or by signer. */
  trustBundles(wanted: ClusterTrustBundleProjection): readonly ClusterTrustBundle[];
  /** The volume that a claim of the pod's namespace is bound to. */
  claimed(name: string): PersistentVolume | undefined;
  /** Where the node keeps the volumes that are directories of its own. */
  readonly localVolumes: string;
  /** Of the pod's account. Throws an Error that says why there is none. */
  token(wanted: ServiceAccountTokenProjection): string;
  /** Of a file in a downwardAPI volume. */
  field(path: string): string | undefined;
  resource(
    containerName: string,
    resource: string,
    divisor: string | undefined,
  ): string | undefined;
}

/** The volume cannot be set up as its pod describes it. */
export class VolumeError extends Error {
  override readonly name = "VolumeError";
}

export interface FileContent {
  readonly data: Uint8Array;
  readonly mode: number;
  /** Root's, if undefined. */
  readonly uid?: number;
}

/** Path inside the volume to content. */
export type VolumeFiles = ReadonlyMap<string, FileContent>;
