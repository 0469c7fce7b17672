import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { importArchive } from "./import-archive.ts";
import { BlobStore } from "./store/blob-store.ts";

let directory: string;
let blobs: BlobStore;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "naru-import-"));
  blobs = await BlobStore.open(join(directory, "store"));
});
after(() => rm(directory, { recursive: true, force: true }));

async function tarOf(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const archive = pack();
  for (const [name, text] of Object.entries(files)) archive.entry({ name }, text);
  archive.finalize();
  return buffer(archive);
}

test("importArchive() says what is wrong with a file, and keeps nothing of it", async () => {
  const unrelated = await tarOf({ "notes.txt": "no image" });
  const cases: readonly [string, Buffer | undefined, RegExp][] = [
    ["absent.tar", undefined, /absent\.tar: no such file$/],
    ["text.tar", Buffer.from("hello\n"), /text\.tar: not an archive of images/],
    ["cut.tar", unrelated.subarray(0, 600), /cut\.tar: not an archive of images.*cut short/],
    ["cut.tar.gz", gzipSync(unrelated).subarray(0, 40), /cut\.tar\.gz: not an archive of images/],
    ["other.tar", unrelated, /other\.tar: neither index\.json .* nor manifest\.json/],
  ];
  for (const [name, content, message] of cases) {
    const path = join(directory, name);
    if (content !== undefined) await writeFile(path, content);
    const importing = importArchive(
      { blobs, architecture: "amd64" },
      path,
      new AbortController().signal,
    );
    await assert.rejects(importing, { message });
  }
  const left = await readdir(join(directory, "store"), { recursive: true, withFileTypes: true });
  assert.deepEqual(
    left.filter((entry) => entry.isFile()).map((entry) => entry.name),
    [],
  );
});
