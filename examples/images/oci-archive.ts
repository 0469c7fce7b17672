/**
 * Writes images as OCI layout archives, which any tool reads. Reproducible: the same input gives the same bytes, so
 * images that share a layer share its digest.
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createZstdCompress } from "node:zlib";
import { type Pack, pack } from "tar-stream";

/** One file of a layer, at `path` without a leading slash. */
export type LayerFile =
  | { readonly path: string; readonly content: string; readonly mode?: number }
  | { readonly path: string; readonly copyOf: string; readonly mode?: number }
  | { readonly path: string; readonly linkTo: string };

export interface ImageSpec {
  /** With registry and tag: `example.org/hello:v1`. */
  readonly name: string;
  readonly architecture: "amd64" | "arm64";
  readonly entrypoint: readonly string[];
  readonly env?: readonly string[];
  readonly workingDir?: string;
  readonly user?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Layers made by `writeLayer`, lowest first. */
  readonly layers: readonly Layer[];
}

export interface Layer {
  readonly path: string;
  readonly digest: string;
  readonly diffId: string;
  readonly size: number;
}

const EPOCH = new Date(0);
const LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+zstd";

/** Packs files, with the directories above them, into a compressed layer at `path`. */
export async function writeLayer(path: string, files: readonly LayerFile[]): Promise<Layer> {
  const archive = pack();
  const plain = createHash("sha256");
  const packed = createHash("sha256");
  const compress = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 3 } });
  const filling = fill(archive, files);
  await pipeline(
    archive as unknown as Readable,
    tap((chunk) => plain.update(chunk)),
    compress,
    tap((chunk) => packed.update(chunk)),
    createWriteStream(path),
  );
  await filling;
  return {
    path,
    digest: `sha256:${packed.digest("hex")}`,
    diffId: `sha256:${plain.digest("hex")}`,
    size: (await stat(path)).size,
  };
}

/** Writes one image to an archive at `path`. */
export async function writeImage(path: string, spec: ImageSpec): Promise<void> {
  const archive = pack();
  const config = blob({
    created: EPOCH.toISOString(),
    architecture: spec.architecture,
    os: "linux",
    config: {
      Entrypoint: spec.entrypoint,
      Env: spec.env ?? [],
      WorkingDir: spec.workingDir ?? "/",
      User: spec.user ?? "",
      Labels: spec.labels ?? {},
    },
    rootfs: { type: "layers", diff_ids: spec.layers.map((layer) => layer.diffId) },
  });
  const manifest = blob({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: descriptor("application/vnd.oci.image.config.v1+json", config),
    layers: spec.layers.map(({ digest, size }) => ({ mediaType: LAYER_TYPE, digest, size })),
  });
  const index = {
    schemaVersion: 2,
    manifests: [
      {
        ...descriptor("application/vnd.oci.image.manifest.v1+json", manifest),
        annotations: { "io.containerd.image.name": spec.name },
      },
    ],
  };
  const files: LayerFile[] = [
    { path: "oci-layout", content: JSON.stringify({ imageLayoutVersion: "1.0.0" }) },
    { path: "index.json", content: JSON.stringify(index) },
    ...[config, manifest].map((each) => ({ path: blobPath(each.digest), content: each.text })),
    ...spec.layers.map((layer) => ({ path: blobPath(layer.digest), copyOf: layer.path })),
  ];
  const filling = fill(archive, files);
  try {
    await pipeline(archive as unknown as Readable, createWriteStream(path));
    await filling;
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

async function fill(archive: Pack, files: readonly LayerFile[]): Promise<void> {
  const made = new Set<string>();
  for (const file of files) {
    for (const directory of directoriesAbove(file.path)) {
      if (made.has(directory)) continue;
      made.add(directory);
      archive.entry({ name: `${directory}/`, type: "directory", mode: 0o755, mtime: EPOCH });
    }
    await add(archive, file);
  }
  archive.finalize();
}

async function add(archive: Pack, file: LayerFile): Promise<void> {
  if ("linkTo" in file) {
    archive.entry({ name: file.path, type: "symlink", linkname: file.linkTo, mtime: EPOCH });
    return;
  }
  const header = { name: file.path, mode: file.mode ?? 0o644, mtime: EPOCH };
  if ("content" in file) {
    archive.entry(header, file.content);
    return;
  }
  const { size } = await stat(file.copyOf);
  const entry = archive.entry({ ...header, size });
  await pipeline(createReadStream(file.copyOf), entry as unknown as NodeJS.WritableStream);
}

function directoriesAbove(path: string): string[] {
  const above: string[] = [];
  for (let at = dirname(path); at !== "." && at !== "/"; at = dirname(at)) above.unshift(at);
  return above;
}

function tap(see: (chunk: Buffer) => void): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      see(chunk);
      done(undefined, chunk);
    },
  });
}

function blob(value: unknown): { text: string; digest: string; size: number } {
  const text = JSON.stringify(value);
  const digest = `sha256:${createHash("sha256").update(text).digest("hex")}`;
  return { text, digest, size: Buffer.byteLength(text) };
}

function descriptor(mediaType: string, { digest, size }: { digest: string; size: number }): object {
  return { mediaType, digest, size };
}

function blobPath(digest: string): string {
  return `blobs/sha256/${digest.slice("sha256:".length)}`;
}
