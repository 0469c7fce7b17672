import assert from "node:assert/strict";
import { test } from "node:test";
import { constants, createDeflate } from "node:zlib";
import fc from "fast-check";
import { SpdyConnection, type SpdyStream } from "./connection.ts";
import { SPDY_DICTIONARY } from "./dictionary.ts";
import { controlFrame, dataFrame, FLAG_FIN, FrameParser, TYPE, words } from "./frames.ts";
import { HeaderReader, HeaderWriter } from "./header-block.ts";

test("the dictionary is the one that the protocol fixes", async () => {
  const deflate = createDeflate({ dictionary: SPDY_DICTIONARY });
  deflate.write("x");
  await new Promise<void>((resolve) => deflate.flush(constants.Z_SYNC_FLUSH, resolve));
  const bytes = deflate.read() as Buffer;
  // Behind zlib's two bytes stands the dictionary's checksum.
  assert.equal(bytes.subarray(2, 6).toString("hex"), "e3c6a7c2");
});

test("FrameParser finds the same bytes of the same frames however they are cut", () => {
  const sent = [dataFrame(3, Buffer.from("hello"), true), controlFrame(TYPE.ping, words(1))];
  const bytes = Buffer.concat(sent);
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length)), (cuts) => {
      const parser = new FrameParser();
      const edges = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
      const frames = edges.flatMap((edge, i) =>
        parser.push(bytes.subarray(edges[i - 1] ?? 0, edge)),
      );
      const data = frames.flatMap((frame) => (frame.kind === "data" ? [frame] : []));
      assert.equal(Buffer.concat(data.map((frame) => frame.payload)).toString(), "hello");
      assert.deepEqual(
        data.map((frame) => frame.flags).filter((flags) => flags !== 0),
        [1],
      );
      const control = frames.slice(data.length);
      assert.deepEqual(
        control.map((frame) => [frame.kind, frame.payload.toString("hex")]),
        [["control", "00000001"]],
      );
    }),
  );
});

test("header blocks share one context over the connection", async () => {
  const writer = new HeaderWriter();
  const reader = new HeaderReader();
  for (const port of ["80", "443", "80"]) {
    const headers = new Map([
      ["streamtype", "data"],
      ["port", port],
    ]);
    assert.deepEqual(await reader.read(await writer.write(headers)), headers);
  }
  writer.close();
  reader.close();
});

test("a stream is answered, carries data both ways, and ends by halves", async () => {
  const sent: Buffer[] = [];
  const streams: SpdyStream[] = [];
  const connection = new SpdyConnection(
    { send: async (bytes) => void sent.push(bytes) },
    (stream) => streams.push(stream),
  );
  const writer = new HeaderWriter();
  const block = await writer.write(new Map([["port", "80"]]));
  const syn = controlFrame(TYPE.synStream, Buffer.concat([words(1, 0), Buffer.alloc(2), block]));
  await connection.receive(Buffer.concat([syn, dataFrame(1, Buffer.from("in"), true)]));
  const [stream] = streams;
  assert(stream !== undefined);
  assert.equal(stream.headers.get("port"), "80");
  const read: string[] = [];
  for await (const chunk of stream.data()) read.push(String(chunk));
  assert.deepEqual(read, ["in"]);
  await stream.send(Buffer.from("out"));
  await stream.end();
  const frames = new FrameParser().push(Buffer.concat(sent));
  const kinds = frames.map((f) => (f.kind === "data" ? `data ${f.payload} ${f.flags}` : f.type));
  assert.deepEqual(kinds, [TYPE.synReply, TYPE.windowUpdate, "data out 0", "data  1"]);
  writer.close();
  connection.close();
});

test("a header block that is no zlib ends the connection with its reason", async () => {
  const connection = new SpdyConnection({ send: async () => {} }, () => {});
  const syn = controlFrame(TYPE.synStream, Buffer.concat([words(1, 0), Buffer.alloc(12, 1)]));
  await assert.rejects(connection.receive(syn), /header block/);
  connection.close();
});

test("FrameParser hands data on before a frame is whole, and refuses long control frames", () => {
  const parser = new FrameParser();
  const long = Buffer.from([0, 0, 0, 1, 0, 0xff, 0xff, 0xff]);
  assert.deepEqual(parser.push(long), []);
  const piece = Buffer.from("first");
  assert.deepEqual(parser.push(piece), [{ kind: "data", stream: 1, flags: 0, payload: piece }]);
  const control = Buffer.from([0x80, 3, 0, 1, 0, 0xff, 0xff, 0xff]);
  assert.throws(() => new FrameParser().push(control), /a control frame of 16777215 bytes/);
});

test("a connection outlives any number of streams, one after the other", async () => {
  const sent: Buffer[] = [];
  const connection = new SpdyConnection(
    { send: async (bytes) => void sent.push(bytes) },
    (stream) => {
      void stream.end();
    },
  );
  const writer = new HeaderWriter();
  for (let id = 1; id < 4001; id += 2)
    await connection.receive(await synStream(writer, id, FLAG_FIN));
  const kinds = new FrameParser()
    .push(Buffer.concat(sent))
    .map((f) => f.kind === "control" && f.type);
  assert.equal(kinds.filter((type) => type === TYPE.synReply).length, 2000);
  assert.ok(!kinds.includes(TYPE.rstStream));
  writer.close();
  connection.close();
});

test("what all streams hold unread is bounded together, and comes to nothing when they are lost", async () => {
  const streams: SpdyStream[] = [];
  const connection = new SpdyConnection({ send: async () => {} }, (stream) => streams.push(stream));
  const writer = new HeaderWriter();
  for (const id of [1, 3, 5, 7]) await connection.receive(await synStream(writer, id));
  const half = Buffer.alloc(512 * 1024);
  for (const id of [1, 3]) await connection.receive(dataFrame(id, half, false));
  let isTaken = false;
  const third = connection.receive(dataFrame(5, half, false)).then(() => {
    isTaken = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isTaken, false);
  await streams[0]?.reset();
  await third;
  writer.close();
  connection.close();
});

async function synStream(writer: HeaderWriter, id: number, flags = 0): Promise<Buffer> {
  const block = await writer.write(new Map([["streamtype", "data"]]));
  const payload = Buffer.concat([words(id, 0), Buffer.alloc(2), block]);
  return controlFrame(TYPE.synStream, payload, flags);
}
