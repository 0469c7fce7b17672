import { ImageError } from "./image-service.ts";

/** Points at a blob: what it is, which, how long. OCI image specification, "descriptor". */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: {
    readonly os: string;
    readonly architecture: string;
    readonly variant?: string;
  };
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Manifest {
  readonly config: Descriptor;
  /** Lowest layer first. */
  readonly layers: readonly Descriptor[];
}

/** The image configuration, as far as running needs it. */
export interface ConfigFile {
  readonly os: string;
  readonly architecture: string;
  readonly config?: {
    readonly User?: string;
    readonly Env?: readonly string[] | null;
    readonly Entrypoint?: readonly string[] | null;
    readonly Cmd?: readonly string[] | null;
    readonly WorkingDir?: string;
    readonly StopSignal?: string;
    readonly Labels?: Readonly<Record<string, string>> | null;
  };
  readonly rootfs: { readonly diff_ids: readonly string[] };
}

export const MANIFEST_TYPES = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
] as const;
export const INDEX_TYPES = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
] as const;

/** Bounds what an untrusted registry can make us hold in memory. Docker's own limit is 4 MiB. */
export const MANIFEST_BYTES_MAX = 4 * 1024 * 1024;
/** overlayfs takes about 500 lower directories, in one page of options fewer; Docker stops at 127. */
const LAYERS_MAX = 127;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** What a manifest's bytes are: one image, or a choice of images by platform. */
export type ParsedManifest =
  | { readonly kind: "image"; readonly manifest: Manifest }
  | { readonly kind: "index"; readonly manifests: readonly Descriptor[] };

export function parseManifest(bytes: Uint8Array, what: string): ParsedManifest {
  const value = parseObject(bytes, what);
  const manifests = value["manifests"];
  if (Array.isArray(manifests)) {
    return { kind: "index", manifests: manifests.map((each) => descriptor(each, what)) };
  }
  const layers = value["layers"];
  if (!Array.isArray(layers)) throw broken(what, "it has neither layers nor manifests");
  if (layers.length > LAYERS_MAX) throw broken(what, `it has more than ${LAYERS_MAX} layers`);
  return {
    kind: "image",
    manifest: {
      config: descriptor(value["config"], what),
      layers: layers.map((each) => descriptor(each, what)),
    },
  };
}

export function parseConfig(bytes: Uint8Array, what: string): ConfigFile {
  const value = parseObject(bytes, what);
  const rootfs = value["rootfs"];
  const ids =
    typeof rootfs === "object" && rootfs !== null ? Reflect.get(rootfs, "diff_ids") : undefined;
  if (!Array.isArray(ids) || !ids.every((id) => typeof id === "string" && DIGEST.test(id))) {
    throw broken(what, "rootfs.diff_ids is not a list of sha256 digests");
  }
  return value as unknown as ConfigFile;
}

/** The entry of an index that this machine can run. */
export function choosePlatform(
  manifests: readonly Descriptor[],
  architecture: string,
  what: string,
): Descriptor {
  const fitting = manifests.find(
    (each) => each.platform?.os === "linux" && each.platform.architecture === architecture,
  );
  const only =
    manifests.length === 1 && manifests[0]?.platform === undefined ? manifests[0] : undefined;
  const chosen = fitting ?? only;
  if (chosen !== undefined) return chosen;
  const have = manifests.map((each) => `${each.platform?.os}/${each.platform?.architecture}`);
  throw new ImageError(
    "ErrImagePull",
    `${what}: no image for linux/${architecture}; it has ${have.join(", ")}`,
  );
}

function descriptor(value: unknown, what: string): Descriptor {
  const found = value as Descriptor | undefined;
  if (typeof found?.digest !== "string" || !DIGEST.test(found.digest)) {
    throw broken(what, "a descriptor lacks its sha256 digest");
  }
  if (!Number.isSafeInteger(found.size) || found.size < 0) {
    throw broken(what, `the size of ${found.digest} is not a number of bytes`);
  }
  return found;
}

function parseObject(bytes: Uint8Array, what: string): Record<string, unknown> {
  if (bytes.length > MANIFEST_BYTES_MAX) throw broken(what, "it is larger than 4 MiB");
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (cause) {
    throw broken(what, "it is not JSON", cause);
  }
  if (typeof value !== "object" || value === null) throw broken(what, "it is not a JSON object");
  return value as Record<string, unknown>;
}

function broken(what: string, why: string, cause?: unknown): ImageError {
  return new ImageError("ErrImagePull", `${what}: ${why}`, { cause });
}
