import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type Readable, Transform } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";

/** The uncompressed archive of a layer's blob, and its digest once everything was read. */
export interface LayerStream {
  readonly archive: Readable;
  /** Valid after the archive ended: to be compared with the configuration's diff_id. */
  diffId(): string;
}

/** Opens a blob by what its media type says, `+gzip`, `.gzip`, `+zstd` or nothing. */
export function openLayer(path: string, mediaType: string): LayerStream {
  const hash = createHash("sha256");
  const tap = new Transform({
    highWaterMark: 256 * 1024,
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(undefined, chunk);
    },
  });
  const blob = createReadStream(path, { highWaterMark: 256 * 1024 });
  const stages: Readable[] = [blob];
  const plain = decompressed(blob, mediaType);
  if (plain !== blob) stages.push(plain);
  for (const stage of stages) stage.on("error", (error) => tap.destroy(error));
  tap.on("close", () => {
    for (const stage of stages) stage.destroy();
  });
  plain.pipe(tap);
  return { archive: tap, diffId: () => `sha256:${hash.digest("hex")}` };
}

function decompressed(blob: Readable, mediaType: string): Readable {
  if (/[+.]gzip$/.test(mediaType)) return blob.pipe(createGunzip());
  if (/[+.]zstd$/.test(mediaType)) return blob.pipe(createZstdDecompress());
  if (/\.tar$/.test(mediaType)) return blob;
  throw new Error(`layers of media type ${JSON.stringify(mediaType)} are not supported`);
}
