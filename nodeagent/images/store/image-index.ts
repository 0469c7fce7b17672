import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What is remembered of one image. The rest stands in its blobs. */
export interface IndexedImage {
  /** Digest of the image's configuration: its id. */
  readonly id: string;
  readonly manifestDigest: string;
  readonly references: readonly string[];
  /** Imported by hand: garbage collection leaves it alone. */
  readonly pinned: boolean;
  readonly sizeBytes: number;
  readonly lastUsedAtMs: number;
}

/** Names and pins of the node's images: one file, replaced as a whole. */
export class ImageIndex {
  readonly #path: string;
  #images: ReadonlyMap<string, IndexedImage>;
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, images: readonly IndexedImage[]) {
    this.#path = path;
    this.#images = new Map(images.map((image) => [image.id, image]));
  }

  static async open(root: string): Promise<ImageIndex> {
    const path = join(root, "images.json");
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return "[]";
      throw error;
    });
    return new ImageIndex(path, JSON.parse(text) as IndexedImage[]);
  }

  all(): readonly IndexedImage[] {
    return [...this.#images.values()];
  }

  get(id: string): IndexedImage | undefined {
    return this.#images.get(id);
  }

  byReference(reference: string): IndexedImage | undefined {
    return this.all().find((image) => image.references.includes(reference));
  }

  /** Gives `image` its references, and takes them from whichever image had them before. */
  async put(image: IndexedImage): Promise<void> {
    const images = new Map<string, IndexedImage>();
    for (const other of this.#images.values()) {
      const references = other.references.filter((each) => !image.references.includes(each));
      images.set(other.id, { ...other, references });
    }
    const before = images.get(image.id);
    images.set(image.id, {
      ...image,
      pinned: image.pinned || before?.pinned === true,
      references: [...new Set([...(before?.references ?? []), ...image.references])],
    });
    await this.#replace(images);
  }

  async remove(id: string): Promise<void> {
    const images = new Map(this.#images);
    images.delete(id);
    await this.#replace(images);
  }

  /** Remembered in memory at once; on disk with the next write, since losing it only makes collection less exact. */
  touch(id: string, nowMs: number): void {
    const image = this.#images.get(id);
    if (image === undefined) return;
    this.#images = new Map([...this.#images, [id, { ...image, lastUsedAtMs: nowMs }]]);
  }

  #replace(images: ReadonlyMap<string, IndexedImage>): Promise<void> {
    this.#images = images;
    this.#writing = this.#writing
      .catch(() => {
        // The caller of that write was told; this one writes everything anew.
      })
      .then(async () => {
        await writeFile(`${this.#path}.new`, JSON.stringify(this.all(), undefined, 1));
        await rename(`${this.#path}.new`, this.#path);
      });
    return this.#writing;
  }
}
