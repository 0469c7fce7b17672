/** Images from a file: an OCI layout or `docker save`, as a tar archive, plain or compressed with gzip or zstd. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { extract } from "tar-stream";
import { hasCode } from "../kernel/syscall-error.ts";
import { ImageError } from "./image-service.ts";
import {
  choosePlatform,
  type Descriptor,
  MANIFEST_BYTES_MAX,
  parseConfig,
  parseManifest,
} from "./manifest.ts";
import type { PulledImage } from "./pull.ts";
import { formatReference, parseReference } from "./reference.ts";
import type { BlobStore } from "./store/blob-store.ts";

export interface ImportedImage extends PulledImage {
  readonly references: readonly string[];
}

export interface ImportDeps {
  readonly blobs: BlobStore;
  readonly architecture: string;
}

/** The names under which the two formats list their images. */
const OCI_INDEX = "index.json";
const DOCKER_MANIFEST = "manifest.json";
/** Both tools that write names into an index use one of these. */
const NAME_ANNOTATIONS = ["io.containerd.image.name", "org.opencontainers.image.ref.name"] as const;

interface Scanned {
  /** Small files by name. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Of `docker save`: files that are not named by their digest, by name. */
  readonly blobs: ReadonlyMap<string, Descriptor>;
}

export async function importArchive(
  deps: ImportDeps,
  path: string,
  signal: AbortSignal,
): Promise<readonly ImportedImage[]> {
  const scanned = await scan(deps, path, signal).catch((error: unknown) => {
    throw explained(error, path);
  });
  const docker = scanned.files.get(DOCKER_MANIFEST);
  const oci = scanned.files.get(OCI_INDEX);
  // `docker save` of today writes both; its index carries no more than the manifest does.
  if (docker !== undefined) return fromDocker(deps, scanned, docker, path);
  if (oci !== undefined) return fromOci(deps, oci, path);
  throw new ImageError(
    "ErrImagePull",
    `${path}: neither ${OCI_INDEX} (OCI layout) nor ${DOCKER_MANIFEST} (docker save) is in it`,
  );
}

/** Only what the archive itself is to blame for gets other words. */
function explained(error: unknown, path: string): unknown {
  if (hasCode(error, "ENOENT")) return new ImageError("ErrImagePull", `${path}: no such file`);
  if (error instanceof ImageError || !(error instanceof Error) || "syscall" in error) return error;
  return new ImageError(
    "ErrImagePull",
    `${path}: not an archive of images (OCI layout or docker save, as tar, tar.gz or tar.zst), or cut short: ${error.message}`,
  );
}

/** Reads the archive once. Blobs go to the store as they come, under the digest they turn out to have. */
async function scan(deps: ImportDeps, path: string, signal: AbortSignal): Promise<Scanned> {
  const files = new Map<string, Uint8Array>();
  const blobs = new Map<string, Descriptor>();
  const entries = extract();
  const source = await openArchive(path);
  source.on("error", (error) => entries.destroy(error));
  signal.addEventListener("abort", () => source.destroy(new Error("import was cancelled")), {
    once: true,
  });
  source.pipe(entries as unknown as NodeJS.WritableStream);
  for await (const entry of entries) {
    const name = entry.header.name.replace(/^\.\//, "");
    const { size } = entry.header;
    const named = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(name)?.[1];
    if (entry.header.type !== "file") {
      entry.resume();
    } else if (named !== undefined) {
      const descriptor = { mediaType: "", digest: `sha256:${named}`, size };
      await deps.blobs.put(descriptor, Readable.from(entry), { signal });
      blobs.set(name, descriptor);
    } else if (name === OCI_INDEX || name === DOCKER_MANIFEST) {
      files.set(name, await readAll(Readable.from(entry), name));
    } else if (name.endsWith(".tar") || name.endsWith(".json")) {
      // Old `docker save` does not name files by their digest.
      blobs.set(name, {
        mediaType: "",
        digest: await deps.blobs.adopt(Readable.from(entry), signal),
        size,
      });
    } else {
      entry.resume();
    }
  }
  return { files, blobs };
}

async function fromOci(
  deps: ImportDeps,
  index: Uint8Array,
  path: string,
): Promise<readonly ImportedImage[]> {
  const parsed = parseManifest(index, `${path}: ${OCI_INDEX}`);
  if (parsed.kind === "image")
    throw new ImageError("ErrImagePull", `${path}: ${OCI_INDEX} is no index`);
  const images: ImportedImage[] = [];
  for (const entry of parsed.manifests) {
    const image = await readImage(deps, entry, path);
    images.push({ ...image, references: namesOf(entry) });
  }
  return images;
}

async function readImage(deps: ImportDeps, entry: Descriptor, path: string): Promise<PulledImage> {
  const bytes = await readBlob(deps, entry.digest, path);
  const parsed = parseManifest(bytes, `${path}: ${entry.digest}`);
  if (parsed.kind === "index") {
    return readImage(deps, choosePlatform(parsed.manifests, deps.architecture, path), path);
  }
  for (const layer of parsed.manifest.layers) {
    if (!(await deps.blobs.has(layer.digest))) throw missing(path, layer.digest);
  }
  const config = await readBlob(deps, parsed.manifest.config.digest, path);
  return {
    manifest: parsed.manifest,
    manifestDigest: entry.digest,
    config: parseConfig(config, path),
  };
}

async function fromDocker(
  deps: ImportDeps,
  scanned: Scanned,
  manifest: Uint8Array,
  path: string,
): Promise<readonly ImportedImage[]> {
  const entries = JSON.parse(Buffer.from(manifest).toString("utf8")) as readonly {
    readonly Config: string;
    readonly RepoTags?: readonly string[] | null;
    readonly Layers: readonly string[];
  }[];
  const find = (name: string): Descriptor => {
    const found = scanned.blobs.get(name);
    if (found === undefined) throw missing(path, name);
    return found;
  };
  return Promise.all(
    entries.map(async (entry) => {
      const config = find(entry.Config);
      const layers = await Promise.all(
        entry.Layers.map(async (name) => ({
          ...find(name),
          mediaType: await layerType(deps, find(name).digest),
        })),
      );
      const value = { config, layers };
      const written = await writeManifest(deps, value);
      return {
        manifest: value,
        manifestDigest: written,
        config: parseConfig(await readBlob(deps, config.digest, path), path),
        references: (entry.RepoTags ?? []).map((tag) => formatReference(parseReference(tag))),
      };
    }),
  );
}

/** `docker save` has no OCI manifest, so the store gets one: every image is then kept in the same form. */
async function writeManifest(
  deps: ImportDeps,
  value: { readonly config: Descriptor; readonly layers: readonly Descriptor[] },
): Promise<string> {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, ...value }));
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  await deps.blobs.put({ digest, size: bytes.length }, Readable.from([bytes]));
  return digest;
}

async function layerType(deps: ImportDeps, digest: string): Promise<string> {
  const suffix = { gzip: "+gzip", zstd: "+zstd", none: "" }[
    await compressionOf(deps.blobs.pathOf(digest))
  ];
  return `application/vnd.oci.image.layer.v1.tar${suffix}`;
}

function namesOf(entry: Descriptor): string[] {
  for (const annotation of NAME_ANNOTATIONS) {
    const name = entry.annotations?.[annotation];
    // A bare tag, as the OCI layout allows, names no repository.
    if (name !== undefined && /[/:]/.test(name)) return [formatReference(parseReference(name))];
  }
  return [];
}

async function openArchive(path: string): Promise<Readable> {
  const compression = await compressionOf(path);
  const file = createReadStream(path, { highWaterMark: 256 * 1024 });
  if (compression === "none") return file;
  const plain = compression === "gzip" ? createGunzip() : createZstdDecompress();
  file.on("error", (error) => plain.destroy(error));
  return file.pipe(plain);
}

/** By the first bytes: RFC 1952 (gzip), RFC 8878 (zstd). */
async function compressionOf(path: string): Promise<"gzip" | "none" | "zstd"> {
  const file = await open(path);
  try {
    const head = Buffer.alloc(4);
    await file.read(head, 0, 4, 0);
    if (head[0] === 0x1f && head[1] === 0x8b) return "gzip";
    return head.readUInt32LE(0) === 0xfd2fb528 ? "zstd" : "none";
  } finally {
    await file.close();
  }
}

async function readBlob(deps: ImportDeps, digest: string, path: string): Promise<Uint8Array> {
  if (!(await deps.blobs.has(digest))) throw missing(path, digest);
  return deps.blobs.read(digest);
}

async function readAll(content: Readable, what: string): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of content) {
    size += (chunk as Buffer).length;
    if (size > MANIFEST_BYTES_MAX)
      throw new ImageError("ErrImagePull", `${what}: larger than 4 MiB`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function missing(path: string, what: string): ImageError {
  return new ImageError("ErrImagePull", `${path}: ${what} is not in the archive`);
}
