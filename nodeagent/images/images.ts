import { statfs } from "node:fs/promises";
import type { Clock } from "#lib/clock";
import type { Logger } from "#lib/logger";
import { planCollection } from "./collect.ts";
import {
  type EnsureImage,
  type Image,
  ImageError,
  type ImageService,
  type RegistryCredential,
} from "./image-service.ts";
import { importArchive } from "./import-archive.ts";
import { type ConfigFile, parseConfig, parseManifest } from "./manifest.ts";
import { type PulledImage, pull } from "./pull.ts";
import { formatReference, parseReference } from "./reference.ts";
import type { RegistryOptions } from "./registry/registry-client.ts";
import { BlobStore } from "./store/blob-store.ts";
import { ImageIndex, type IndexedImage } from "./store/image-index.ts";
import { LayerStore, unpackIn } from "./store/layer-store.ts";

export interface ImagesOptions {
  /** Blobs, layers and the index live below it. */
  readonly root: string;
  /** The program that unpacks a layer in a thread of its own. */
  readonly unpackWorker: URL;
  readonly registry: RegistryOptions;
  /** In OCI's words: `amd64`, `arm64`. */
  readonly architecture: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** kubelet's marks, in percent of the disk. */
const COLLECT_HIGH_PERCENT = 85;
const COLLECT_LOW_PERCENT = 80;

/** The node's images, over a blob store, a layer store and an index. */
export class Images implements ImageService {
  readonly #options: ImagesOptions;
  readonly #blobs: BlobStore;
  readonly #layers: LayerStore;
  readonly #index: ImageIndex;
  /** Images as they are handed out, by id: their parts never change, so they are put together once. */
  readonly #known = new Map<string, Image>();
  readonly #pulls = new Map<string, Promise<Image>>();
  #inUse: ReadonlySet<string> = new Set();

  private constructor(
    options: ImagesOptions,
    stores: { blobs: BlobStore; layers: LayerStore; index: ImageIndex },
  ) {
    this.#options = options;
    this.#blobs = stores.blobs;
    this.#layers = stores.layers;
    this.#index = stores.index;
  }

  static async open(options: ImagesOptions): Promise<Images> {
    const blobs = await BlobStore.open(options.root);
    const layers = await LayerStore.open(options.root, unpackIn(options.unpackWorker));
    const index = await ImageIndex.open(options.root);
    return new Images(options, { blobs, layers, index });
  }

  async ensure(request: EnsureImage, signal: AbortSignal): Promise<Image> {
    const name = formatReference(parseReference(request.reference));
    const here = request.policy === "Always" ? undefined : this.#find(request.reference);
    if (here !== undefined) {
      this.#index.touch(here.id, this.#options.clock.nowMs());
      return this.#assemble(here);
    }
    if (request.policy === "Never") {
      const why = `image ${JSON.stringify(name)} is not on the node, and its pull policy is Never`;
      throw new ImageError("ErrImageNeverPull", why);
    }
    // Many pods of one image start together; their credentials may differ, so those are part of the key.
    const key = `${name} ${request.credentials.map(credentialKey).join(" ")}`;
    const running = this.#pulls.get(key);
    if (running !== undefined) return running;
    const pulling = this.#pull(request, name, signal).finally(() => this.#pulls.delete(key));
    this.#pulls.set(key, pulling);
    return pulling;
  }

  list(): Promise<readonly Image[]> {
    return Promise.all(this.#index.all().map((image) => this.#assemble(image)));
  }

  async import(path: string, signal: AbortSignal): Promise<readonly Image[]> {
    const { architecture } = this.#options;
    const imported = await importArchive({ blobs: this.#blobs, architecture }, path, signal);
    const images: Image[] = [];
    for (const image of imported) {
      images.push(await this.#add(image, { references: image.references, pinned: true }));
    }
    return images;
  }

  async remove(reference: string): Promise<void> {
    const image = this.#find(reference);
    if (image === undefined) throw new ImageError("ErrImagePull", `image ${reference}: not found`);
    if (this.#inUse.has(image.id)) {
      throw new ImageError("ErrImagePull", `image ${reference}: a container uses it`);
    }
    await this.#removeImages([image]);
  }

  inUse(imageIds: ReadonlySet<string>): void {
    this.#inUse = imageIds;
  }

  /** Frees disk space if there is need; to be called now and then. Returns the ids of what went. */
  async collect(): Promise<readonly string[]> {
    const disk = await statfs(this.#options.root);
    const going = planCollection(this.#index.all(), {
      inUse: this.#inUse,
      diskTotalBytes: disk.blocks * disk.bsize,
      diskUsedBytes: (disk.blocks - disk.bavail) * disk.bsize,
      highPercent: COLLECT_HIGH_PERCENT,
      lowPercent: COLLECT_LOW_PERCENT,
    });
    await this.#removeImages(going);
    for (const image of going) {
      this.#options.logger.info("image collected", { image: image.id, names: image.references });
    }
    return going.map((image) => image.id);
  }

  #find(reference: string): IndexedImage | undefined {
    const byId = this.#index.get(reference);
    if (byId !== undefined) return byId;
    const parsed = parseReference(reference);
    const byName = this.#index.byReference(formatReference(parsed));
    if (byName !== undefined || parsed.digest === undefined) return byName;
    return this.#index.all().find((image) => image.manifestDigest === parsed.digest);
  }

  async #pull(request: EnsureImage, name: string, signal: AbortSignal): Promise<Image> {
    const { registry, architecture } = this.#options;
    const deps = { blobs: this.#blobs, registry, architecture };
    const pulled = await pull(deps, parseReference(request.reference), request, signal);
    return this.#add(pulled, { references: [name], pinned: false });
  }

  async #add(
    image: PulledImage,
    options: { readonly references: readonly string[]; readonly pinned: boolean },
  ): Promise<Image> {
    const indexed: IndexedImage = {
      id: image.manifest.config.digest,
      manifestDigest: image.manifestDigest,
      references: options.references,
      pinned: options.pinned,
      sizeBytes: image.manifest.layers.reduce((sum, layer) => sum + layer.size, 0),
      lastUsedAtMs: this.#options.clock.nowMs(),
    };
    // Unpacked before it is listed: what is listed can be run.
    await this.#unpack(image);
    await this.#index.put(indexed);
    this.#known.delete(indexed.id);
    return this.#assemble(this.#index.get(indexed.id) ?? indexed);
  }

  async #unpack(image: PulledImage): Promise<readonly string[]> {
    const diffIds = image.config.rootfs.diff_ids;
    const { layers } = image.manifest;
    if (diffIds.length !== layers.length) {
      const why = `${layers.length} layers, but ${diffIds.length} diff_ids in its configuration`;
      throw new ImageError("ErrImagePull", `image ${image.manifest.config.digest} has ${why}`);
    }
    const directories: string[] = [];
    for (const [at, layer] of layers.entries()) {
      const blobPath = this.#blobs.pathOf(layer.digest);
      const diffId = diffIds[at] ?? "";
      directories.push(await this.#layers.ensure({ blobPath, mediaType: layer.mediaType, diffId }));
    }
    return directories;
  }

  async #assemble(indexed: IndexedImage): Promise<Image> {
    const known = this.#known.get(indexed.id);
    if (known !== undefined && known.references === indexed.references) return known;
    const manifest = parseManifest(await this.#blobs.read(indexed.manifestDigest), indexed.id);
    if (manifest.kind === "index") throw new Error(`image ${indexed.id} is indexed by an index`);
    const config = parseConfig(await this.#blobs.read(indexed.id), indexed.id);
    const layerDirs = await this.#unpack({ ...indexed, manifest: manifest.manifest, config });
    const image: Image = {
      id: indexed.id,
      references: indexed.references,
      digests: indexed.references.map((name) => `${repositoryOf(name)}@${indexed.manifestDigest}`),
      sizeBytes: indexed.sizeBytes,
      pinned: indexed.pinned,
      layerDirs,
      config: runConfig(config),
    };
    this.#known.set(indexed.id, image);
    return image;
  }

  /** Blobs and layers go only when no image that stays has them. */
  async #removeImages(going: readonly IndexedImage[]): Promise<void> {
    for (const image of going) {
      await this.#index.remove(image.id);
      this.#known.delete(image.id);
    }
    if (going.length === 0) return;
    const kept = await Promise.all(this.#index.all().map((image) => this.#partsOf(image)));
    const keptBlobs = new Set(kept.flatMap((parts) => parts.blobs));
    const keptLayers = new Set(kept.flatMap((parts) => parts.layers));
    for (const digest of await this.#blobs.list()) {
      if (!keptBlobs.has(digest)) await this.#blobs.remove(digest);
    }
    for (const path of await this.#layers.list()) {
      if (!keptLayers.has(path)) await this.#layers.removePath(path);
    }
  }

  async #partsOf(image: IndexedImage): Promise<{ blobs: string[]; layers: string[] }> {
    const manifest = parseManifest(await this.#blobs.read(image.manifestDigest), image.id);
    if (manifest.kind === "index") throw new Error(`image ${image.id} is indexed by an index`);
    const config = parseConfig(await this.#blobs.read(image.id), image.id);
    const layers = manifest.manifest.layers.map((layer) => layer.digest);
    return {
      blobs: [image.manifestDigest, image.id, ...layers],
      layers: config.rootfs.diff_ids.map((diffId) => this.#layers.pathOf(diffId)),
    };
  }
}

function credentialKey(credential: RegistryCredential): string {
  return `${credential.host}:${credential.username}:${credential.password}`;
}

function repositoryOf(reference: string): string {
  const { registry, repository } = parseReference(reference);
  return `${registry}/${repository}`;
}

function runConfig(file: ConfigFile): Image["config"] {
  const { config = {} } = file;
  return {
    user: config.User ?? "",
    env: config.Env ?? [],
    entrypoint: config.Entrypoint ?? [],
    cmd: config.Cmd ?? [],
    workingDir: config.WorkingDir ?? "",
    stopSignal: config.StopSignal ?? "SIGTERM",
    labels: config.Labels ?? {},
  };
}
