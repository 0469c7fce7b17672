import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { ImageError } from "../image-service.ts";
import type { UnpackJob, UnpackResult } from "../unpack/worker.ts";

/** Unpacks one layer into an empty directory. The real one runs a worker thread. */
export type Unpack = (job: UnpackJob) => Promise<UnpackResult>;

/**
 * Unpacked layers by the digest of their archive. Images share them, whatever compression they came in. A directory is
 * visible under its name only when it is complete.
 */
export class LayerStore {
  readonly #directory: string;
  readonly #incoming: string;
  readonly #unpack: Unpack;
  readonly #underWay = new Map<string, Promise<string>>();
  #nextTemporary = 0;

  private constructor(directory: string, incoming: string, unpack: Unpack) {
    this.#directory = directory;
    this.#incoming = incoming;
    this.#unpack = unpack;
  }

  static async open(root: string, unpack: Unpack): Promise<LayerStore> {
    const directory = join(root, "layers");
    const incoming = join(root, "unpacking");
    await rm(incoming, { recursive: true, force: true });
    await mkdir(directory, { recursive: true });
    await mkdir(incoming, { recursive: true });
    return new LayerStore(directory, incoming, unpack);
  }

  pathOf(diffId: string): string {
    // Short, since overlayfs takes all lower directories in one page of mount options.
    return join(this.#directory, diffId.slice("sha256:".length, "sha256:".length + 32));
  }

  async has(diffId: string): Promise<boolean> {
    return stat(this.pathOf(diffId)).then(
      () => true,
      () => false,
    );
  }

  /** The directory of a layer, unpacked once however many ask at a time. */
  ensure(layer: Omit<UnpackJob, "directory">): Promise<string> {
    const running = this.#underWay.get(layer.diffId);
    if (running !== undefined) return running;
    const unpacking = this.#ensure(layer).finally(() => this.#underWay.delete(layer.diffId));
    this.#underWay.set(layer.diffId, unpacking);
    return unpacking;
  }

  async list(): Promise<string[]> {
    return (await readdir(this.#directory)).map((name) => join(this.#directory, name));
  }

  /** Renamed first, so that a crash half-way leaves no layer that looks whole. */
  async removePath(path: string): Promise<void> {
    const temporary = join(this.#incoming, `removed-${process.pid}-${this.#nextTemporary++}`);
    await rename(path, temporary);
    await rm(temporary, { recursive: true, force: true });
  }

  async #ensure(layer: Omit<UnpackJob, "directory">): Promise<string> {
    const path = this.pathOf(layer.diffId);
    if (await this.has(layer.diffId)) return path;
    const directory = join(this.#incoming, `${process.pid}-${this.#nextTemporary++}`);
    await mkdir(directory, { mode: 0o755 });
    try {
      const result = await this.#unpack({ ...layer, directory });
      if (!result.ok)
        throw new ImageError("ErrImagePull", `unpack ${layer.diffId}: ${result.message}`);
      await rename(directory, path);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
    return path;
  }
}

/** Unpacks in worker threads that run this program. */
export function unpackIn(program: URL): Unpack {
  return (job) =>
    new Promise((resolve, reject) => {
      const worker = new Worker(program, { workerData: job });
      worker.once("message", resolve);
      worker.once("error", reject);
      worker.once("exit", (code) => reject(new Error(`the unpacking thread ended with ${code}`)));
    });
}
