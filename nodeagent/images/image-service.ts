/** What the pod worker and the CLI ask of images. */
export interface ImageService {
  /** Resolves at once when the image is there and the policy allows; otherwise pulls it, verifying every digest. */
  ensure(request: EnsureImage, signal: AbortSignal): Promise<Image>;
  list(): Promise<readonly Image[]>;
  /** Unpinned images go by garbage collection; this removes one by reference or id. */
  remove(reference: string): Promise<void>;
  /** Imports an OCI or Docker archive from a file; imported images are pinned. Returns the references it had. */
  import(path: string, signal: AbortSignal): Promise<readonly Image[]>;
  /** Keeps these images' layers from being collected while containers use them. */
  inUse(imageIds: ReadonlySet<string>): void;
}

export interface EnsureImage {
  readonly reference: string;
  readonly policy: "Always" | "IfNotPresent" | "Never";
  /** From imagePullSecrets, by registry host. */
  readonly credentials: readonly RegistryCredential[];
  readonly onProgress?: (progress: PullProgress) => void;
}

export interface RegistryCredential {
  readonly host: string;
  readonly username: string;
  readonly password: string;
}

export interface PullProgress {
  readonly layer: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface Image {
  /** `sha256:…` of the image's configuration. */
  readonly id: string;
  /** Every name it is known by: `docker.io/library/nginx:1.27`, … */
  readonly references: readonly string[];
  /** `name@sha256:…` of its manifests. */
  readonly digests: readonly string[];
  readonly sizeBytes: number;
  readonly pinned: boolean;
  /** Unpacked layer directories, lowest first. */
  readonly layerDirs: readonly string[];
  readonly config: ImageConfig;
}

/** The run-time part of the OCI image configuration. */
export interface ImageConfig {
  readonly user: string;
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly workingDir: string;
  readonly stopSignal: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Why an image could not be had, in Kubernetes' waiting reasons, with what to do about it. */
export type ImageFailure =
  | "ErrImageNeverPull"
  | "ErrImagePull"
  | "ImageInspectError"
  | "InvalidImageName"
  | "RegistryUnavailable";

export class ImageError extends Error {
  override readonly name = "ImageError";
  readonly reason: ImageFailure;

  constructor(reason: ImageFailure, message: string, options?: { cause: unknown }) {
    super(message, options);
    this.reason = reason;
  }
}
