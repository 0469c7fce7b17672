import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { readBytes } from "./read-bytes.ts";

function bodyOf(write: (stream: PassThrough) => void): Promise<Buffer> {
  const stream = new PassThrough();
  const reading = readBytes(stream as never);
  write(stream);
  return reading;
}

test("readBytes() gives the whole body", async () => {
  assert.equal(String(await bodyOf((stream) => stream.end())), "");
  assert.equal(String(await bodyOf((stream) => stream.end("one"))), "one");
  const parts = bodyOf((stream) => {
    stream.write("on");
    setImmediate(() => stream.end("e"));
  });
  assert.equal(String(await parts), "one");
});

test("readBytes() takes no more than the bound", async () => {
  const reading = bodyOf((stream) => stream.write(Buffer.alloc(3 * 1024 * 1024 + 1)));
  await assert.rejects(reading, { reason: "RequestEntityTooLarge" });
});

test("readBytes() does not take half a body for a whole one", async () => {
  const reading = bodyOf((stream) => {
    stream.write("{}");
    setImmediate(() => stream.destroy());
  });
  await assert.rejects(reading, { reason: "BadRequest" });
});
