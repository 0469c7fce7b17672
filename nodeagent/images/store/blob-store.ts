import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ImageError } from "../image-service.ts";
import type { Descriptor } from "../manifest.ts";

export interface PutOptions {
  readonly signal?: AbortSignal;
  readonly onBytes?: (count: number) => void;
}

/**
 * Content by its digest. A blob is visible under its name only after every byte of it was hashed and found right, so
 * whoever finds one may trust it, also after a crash.
 */
export class BlobStore {
  readonly #directory: string;
  readonly #incoming: string;
  #nextTemporary = 0;

  private constructor(directory: string, incoming: string) {
    this.#directory = directory;
    this.#incoming = incoming;
  }

  static async open(root: string): Promise<BlobStore> {
    const directory = join(root, "blobs", "sha256");
    const incoming = join(root, "incoming");
    // What a killed download left is worth nothing: it was not verified.
    await rm(incoming, { recursive: true, force: true });
    await mkdir(directory, { recursive: true });
    await mkdir(incoming, { recursive: true });
    return new BlobStore(directory, incoming);
  }

  pathOf(digest: string): string {
    return join(this.#directory, digest.slice("sha256:".length));
  }

  async has(digest: string): Promise<boolean> {
    return stat(this.pathOf(digest)).then(
      () => true,
      () => false,
    );
  }

  read(digest: string): Promise<Uint8Array> {
    return readFile(this.pathOf(digest));
  }

  stream(digest: string): Readable {
    return createReadStream(this.pathOf(digest), { highWaterMark: 256 * 1024 });
  }

  /**
   * Stores what the stream brings, if it is what the descriptor says. A nil error means that exactly these bytes are
   * now under this digest, not that this call wrote them.
   */
  async put(
    expected: Pick<Descriptor, "digest" | "size">,
    source: Readable,
    options: PutOptions = {},
  ): Promise<void> {
    const received = await this.#receive(source, { ...options, sizeMax: expected.size });
    try {
      if (received.size !== expected.size) {
        throw wrong(expected.digest, `${received.size} bytes came, not ${expected.size}`);
      }
      if (received.digest !== expected.digest) {
        throw wrong(expected.digest, `the content has digest ${received.digest}`);
      }
      await rename(received.path, this.pathOf(expected.digest));
    } finally {
      await rm(received.path, { force: true });
    }
  }

  /** Stores what the stream brings under whatever digest it has. Only for files that the user handed us. */
  async adopt(source: Readable, signal: AbortSignal): Promise<string> {
    const received = await this.#receive(source, { signal, sizeMax: Number.POSITIVE_INFINITY });
    await rename(received.path, this.pathOf(received.digest));
    return received.digest;
  }

  async #receive(
    source: Readable,
    options: PutOptions & { readonly sizeMax: number },
  ): Promise<{ path: string; digest: string; size: number }> {
    const path = join(this.#incoming, `${process.pid}-${this.#nextTemporary++}`);
    const hash = createHash("sha256");
    let size = 0;
    const check = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        size += chunk.length;
        if (size > options.sizeMax) {
          done(new ImageError("ErrImagePull", `a blob has more than its ${options.sizeMax} bytes`));
          return;
        }
        hash.update(chunk);
        options.onBytes?.(chunk.length);
        done(undefined, chunk);
      },
    });
    try {
      await pipeline(source, check, createWriteStream(path, { flags: "wx" }), {
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
    return { path, digest: `sha256:${hash.digest("hex")}`, size };
  }

  async remove(digest: string): Promise<void> {
    await rm(this.pathOf(digest), { force: true });
  }

  /** The digests of all blobs. */
  async list(): Promise<string[]> {
    return (await readdir(this.#directory)).map((name) => `sha256:${name}`);
  }
}

function wrong(digest: string, why: string): ImageError {
  return new ImageError("ErrImagePull", `blob ${digest} is not what it claims to be: ${why}`);
}
