import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeFrame, FRAME_BYTES_MAX, type Frame, FrameReader } from "./frames.ts";

const anyFrame = fc.record({
  call: fc.nat(0xffff_ffff),
  head: fc.string({ unit: "grapheme", maxLength: 20 }),
  body: fc.uint8Array({ maxLength: 300 }),
});

function plain({ call, head, body }: Frame): Frame {
  return { call, head, body: Uint8Array.from(body) };
}

test("FrameReader gives back what was encoded, however the bytes are cut", () => {
  fc.assert(
    fc.property(
      fc.array(anyFrame, { maxLength: 8 }),
      fc.infiniteStream(fc.nat(50)),
      (frames, cuts) => {
        const bytes = Buffer.concat(frames.map(encodeFrame));
        const reader = new FrameReader();
        const read: Frame[] = [];
        for (let at = 0; at < bytes.length; ) {
          const length = 1 + (cuts.next().value ?? 0);
          read.push(...reader.take(bytes.subarray(at, at + length)));
          at += length;
        }
        assert.deepEqual(read.map(plain), frames.map(plain));
      },
    ),
  );
});

test("FrameReader refuses lengths that no frame has", () => {
  for (const length of [0, 4, FRAME_BYTES_MAX, 0xffff_ffff]) {
    const bytes = Buffer.alloc(16);
    bytes.writeUInt32LE(length, 0);
    assert.throws(() => new FrameReader().take(bytes), /a frame of \d+ bytes/, String(length));
  }
  const frame = encodeFrame({ call: 1, head: "a", body: new Uint8Array(0) });
  frame.writeUInt8(200, 8);
  assert.throws(() => new FrameReader().take(frame), /longer than itself/);
});
