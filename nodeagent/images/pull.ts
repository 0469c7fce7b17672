import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { type EnsureImage, ImageError, type PullProgress } from "./image-service.ts";
import {
  type ConfigFile,
  choosePlatform,
  type Descriptor,
  type Manifest,
  parseConfig,
  parseManifest,
} from "./manifest.ts";
import { formatReference, type ImageReference } from "./reference.ts";
import { RegistryClient, type RegistryOptions } from "./registry/registry-client.ts";
import type { BlobStore } from "./store/blob-store.ts";

/** Everything of an image is in the blob store, and verified. */
export interface PulledImage {
  readonly manifest: Manifest;
  readonly manifestDigest: string;
  readonly config: ConfigFile;
}

export interface PullDeps {
  readonly blobs: BlobStore;
  readonly registry: RegistryOptions;
  /** In OCI's words: `amd64`, `arm64`. */
  readonly architecture: string;
}

/** As Docker's default: more would only share the same line. */
const LAYERS_AT_ONCE = 3;

/** Fetches manifest, configuration and layers, trusting nothing but digests. */
export async function pull(
  deps: PullDeps,
  reference: ImageReference,
  request: Pick<EnsureImage, "credentials" | "onProgress">,
  signal: AbortSignal,
): Promise<PulledImage> {
  const client = new RegistryClient(deps.registry, reference, request.credentials);
  const found = await findManifest(deps, client, reference, signal);
  const config = await fetchBlob(deps, client, found.manifest.config, { signal }).then(() =>
    deps.blobs.read(found.manifest.config.digest),
  );
  await fetchLayers(deps, client, found.manifest.layers, request.onProgress, signal);
  return { ...found, config: parseConfig(config, formatReference(reference)) };
}

async function findManifest(
  deps: PullDeps,
  client: RegistryClient,
  reference: ImageReference,
  signal: AbortSignal,
): Promise<{ manifest: Manifest; manifestDigest: string }> {
  const what = formatReference(reference);
  const top = await fetchManifest(
    deps,
    client,
    reference.digest ?? reference.tag ?? "latest",
    signal,
  );
  const parsed = parseManifest(top.bytes, what);
  if (parsed.kind === "image") return { manifest: parsed.manifest, manifestDigest: top.digest };
  const chosen = choosePlatform(parsed.manifests, deps.architecture, what);
  const inner = await fetchManifest(deps, client, chosen.digest, signal);
  const manifest = parseManifest(inner.bytes, what);
  if (manifest.kind === "index") {
    throw new ImageError("ErrImagePull", `${what}: an index within an index is not supported`);
  }
  // The name stays bound to the index, which is what the registry's tag means.
  return { manifest: manifest.manifest, manifestDigest: inner.digest };
}

async function fetchManifest(
  deps: PullDeps,
  client: RegistryClient,
  reference: string,
  signal: AbortSignal,
): Promise<{ bytes: Uint8Array; digest: string }> {
  const wanted = reference.startsWith("sha256:") ? reference : undefined;
  if (wanted !== undefined && (await deps.blobs.has(wanted))) {
    return { bytes: await deps.blobs.read(wanted), digest: wanted };
  }
  const bytes = await client.manifest(reference, signal);
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  await deps.blobs.put({ digest: wanted ?? digest, size: bytes.length }, Readable.from([bytes]));
  return { bytes, digest };
}

async function fetchLayers(
  deps: PullDeps,
  client: RegistryClient,
  layers: readonly Descriptor[],
  onProgress: ((progress: PullProgress) => void) | undefined,
  signal: AbortSignal,
): Promise<void> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const waiting = [...layers];
  const work = async (): Promise<void> => {
    for (let layer = waiting.shift(); layer !== undefined; layer = waiting.shift()) {
      await fetchBlob(deps, client, layer, {
        signal: either,
        ...(onProgress === undefined ? {} : { onProgress }),
      });
    }
  };
  try {
    await Promise.all(Array.from({ length: LAYERS_AT_ONCE }, work));
  } catch (error) {
    // Without this the other downloads would go on for a pull that has failed.
    failed.abort();
    throw error;
  }
}

async function fetchBlob(
  deps: PullDeps,
  client: RegistryClient,
  blob: Descriptor,
  options: { readonly signal: AbortSignal; readonly onProgress?: (progress: PullProgress) => void },
): Promise<void> {
  const report = (doneBytes: number): void =>
    options.onProgress?.({ layer: blob.digest, doneBytes, totalBytes: blob.size });
  if (await deps.blobs.has(blob.digest)) {
    report(blob.size);
    return;
  }
  let done = 0;
  const source = await client.blob(blob.digest, options.signal);
  await deps.blobs.put(blob, source, {
    signal: options.signal,
    onBytes: (count) => {
      done += count;
      report(done);
    },
  });
}
