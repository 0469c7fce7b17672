/**
 * One layer's archive → a directory that overlayfs takes as a lower one. The archive is hostile: every name is resolved
 * below the directory, nothing is opened through a link, and what exists in the way is removed, never written into.
 * Whiteouts become overlayfs' own: https://docs.kernel.org/filesystems/overlayfs.html, "whiteouts and opaque directories".
 */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { extract, type Header } from "tar-stream";
import type { LayerKernel } from "./layer-kernel.ts";
import { resolveInRoot } from "./layer-path.ts";

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";
const XATTR_PAX = "SCHILY.xattr.";
/** Regular files carry their type in the header, these in the mode given to mknod(2); from sys/stat.h. */
const NODE_TYPES = {
  "block-device": 0o060000,
  "character-device": 0o020000,
  fifo: 0o010000,
} as const;

/** Unpacks `archive` (an uncompressed tar stream) below `root`, which exists and is empty. */
export async function applyLayer(
  root: string,
  archive: Readable,
  kernel: LayerKernel,
): Promise<void> {
  const layer = new LayerWriter(root, kernel);
  const entries = extract();
  archive.on("error", (error) => entries.destroy(error));
  archive.pipe(entries as unknown as NodeJS.WritableStream);
  for await (const entry of entries) await layer.write(entry.header, entry);
  layer.finish();
}

/** An entry's bytes; the archive goes on only when they were read or skipped. */
type Content = AsyncIterable<unknown> & { resume(): unknown };

class LayerWriter {
  readonly #root: string;
  readonly #kernel: LayerKernel;
  /** Set at the end, since every file made in a directory moves its time. */
  readonly #directoryTimes = new Map<string, Date>();

  constructor(root: string, kernel: LayerKernel) {
    this.#root = root;
    this.#kernel = kernel;
  }

  async write(header: Header, content: Content): Promise<void> {
    const path = resolveInRoot(this.#root, header.name);
    if (path === this.#root) {
      if (header.type === "directory") this.#metadata(path, header);
      content.resume();
      return;
    }
    this.#makeParents(dirname(path));
    const name = basename(path);
    if (name.startsWith(WHITEOUT)) {
      this.#whiteout(dirname(path), name);
      content.resume();
      return;
    }
    await this.#entry(path, header, content);
  }

  finish(): void {
    for (const [path, time] of this.#directoryTimes) lutimesSync(path, time, time);
  }

  async #entry(path: string, header: Header, content: Content): Promise<void> {
    this.#clear(path, header.type === "directory");
    switch (header.type) {
      case "file":
      case "contiguous-file":
        await this.#file(path, header, content);
        return;
      case "directory":
        mkdirSync(path, { recursive: true });
        break;
      case "symlink":
        symlinkSync(header.linkname, path);
        break;
      case "link":
        // Its owner, mode and times are those of the file that it names.
        linkSync(resolveInRoot(this.#root, header.linkname), path);
        content.resume();
        return;
      case "block-device":
      case "character-device":
      case "fifo": {
        const mode = NODE_TYPES[header.type] | permissions(header);
        this.#kernel.mknod(path, mode, header.devmajor, header.devminor);
        break;
      }
      default:
        throw new Error(`${header.name}: entries of type ${header.type} are not supported`);
    }
    content.resume();
    this.#metadata(path, header);
  }

  async #file(path: string, header: Header, content: Content): Promise<void> {
    const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
    const descriptor = openSync(path, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o600);
    try {
      for await (const chunk of content) writeSync(descriptor, chunk as Uint8Array);
      fchownSync(descriptor, header.uid, header.gid);
      fchmodSync(descriptor, permissions(header));
      this.#xattrs(path, header);
      const time = header.mtime;
      futimesSync(descriptor, time, time);
    } finally {
      closeSync(descriptor);
    }
  }

  /** Owner before mode, since chown(2) clears the setuid bits. */
  #metadata(path: string, header: Header): void {
    lchownSync(path, header.uid, header.gid);
    if (header.type !== "symlink") chmodSync(path, permissions(header));
    this.#xattrs(path, header);
    const time = header.mtime;
    if (header.type === "directory") this.#directoryTimes.set(path, time);
    else lutimesSync(path, time, time);
  }

  #xattrs(path: string, header: Header): void {
    const pax = (header.pax ?? {}) as Readonly<Record<string, string>>;
    for (const [key, value] of Object.entries(pax)) {
      if (!key.startsWith(XATTR_PAX)) continue;
      const name = key.slice(XATTR_PAX.length);
      // An image must not speak to overlayfs: these would hide or redirect what lies below.
      if (name.startsWith("trusted.overlay.") || name.startsWith("user.overlay.")) continue;
      // The archive's reader takes all records for text, as the format says; a binary one would arrive damaged.
      if (value.includes("\ufffd"))
        throw new Error(`${header.name}: the value of ${name} is not text`);
      this.#kernel.setXattr(path, name, Buffer.from(value, "utf8"));
    }
  }

  #whiteout(directory: string, name: string): void {
    if (name === OPAQUE) {
      this.#kernel.setXattr(directory, "trusted.overlay.opaque", Buffer.from("y"));
      return;
    }
    // Other names that begin with `.wh..wh.` are AUFS' own bookkeeping.
    if (name.startsWith(`${WHITEOUT}${WHITEOUT}`)) return;
    const hidden = join(directory, name.slice(WHITEOUT.length));
    this.#clear(hidden, false);
    this.#kernel.mknod(hidden, NODE_TYPES["character-device"], 0, 0);
  }

  /** Archives may leave out the directories that they put files into. */
  #makeParents(directory: string): void {
    if (statOf(directory)?.isDirectory() === true) return;
    if (statOf(directory) !== undefined) rmSync(directory);
    if (directory !== this.#root) this.#makeParents(dirname(directory));
    mkdirSync(directory, { mode: 0o755 });
  }

  /** A later entry of a name replaces the earlier one; a directory keeps what is in it. */
  #clear(path: string, forDirectory: boolean): void {
    const there = statOf(path);
    if (there === undefined || (forDirectory && there.isDirectory())) return;
    rmSync(path, { recursive: true });
    this.#directoryTimes.delete(path);
  }
}

function permissions(header: Header): number {
  return header.mode & 0o7777;
}

function statOf(path: string): ReturnType<typeof lstatSync> | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
