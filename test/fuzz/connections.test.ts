/** Connections that are no clients': smuggled requests, floods of frames, watches without an end, and crowds that do nothing. */
import assert from "node:assert/strict";
import { connect } from "node:http2";
import { createConnection, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls, type TLSSocket } from "node:tls";
import fc from "fast-check";
import { useFuzz } from "../harness/fuzz.ts";
import { openConnection, tlsOf } from "../harness/raw-http.ts";
import type { ServerAccess } from "../harness/server-process.ts";

const fuzz = useFuzz();
const MAPS = "/api/v1/namespaces/default/configmaps";
/** A connection that waits for more is left after this. */
const PATIENCE_MS = 100;

/** What the server says to these bytes until it ends the connection or waits for more. */
async function say(bytes: string | Buffer, protocol?: string): Promise<string> {
  const { ended, socket } = await openConnection(fuzz.server(), protocol);
  let text = "";
  socket.on("data", (chunk: string) => {
    text += chunk;
  });
  socket.write(bytes);
  await Promise.race([ended, sleep(PATIENCE_MS)]);
  socket.destroy();
  await ended;
  return text;
}

const HOST = "Host: a\r\n";
const SMUGGLED = "DELETE /api/v1/namespaces/default HTTP/1.1\r\nHost: a\r\n\r\n";
const REFUSED: readonly (readonly [name: string, request: string])[] = [
  [
    "a length and chunks",
    `POST ${MAPS} HTTP/1.1\r\n${HOST}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  ],
  [
    "two lengths",
    `POST ${MAPS} HTTP/1.1\r\n${HOST}Content-Length: 0\r\nContent-Length: 60\r\n\r\n${SMUGGLED}`,
  ],
  ["a length with a sign", `POST ${MAPS} HTTP/1.1\r\n${HOST}Content-Length: +5\r\n\r\n${SMUGGLED}`],
  [
    "a length below nothing",
    `POST ${MAPS} HTTP/1.1\r\n${HOST}Content-Length: -1\r\n\r\n${SMUGGLED}`,
  ],
  [
    "a length beyond all numbers",
    `POST ${MAPS} HTTP/1.1\r\n${HOST}Content-Length: 99999999999999999999999\r\n\r\n${SMUGGLED}`,
  ],
  [
    "chunks that are not the last encoding",
    `POST ${MAPS} HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  ],
  [
    "a chunk of no hexadecimal length",
    `POST ${MAPS} HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nxyz\r\n`,
  ],
  [
    "a chunk of a length beyond all numbers",
    `POST ${MAPS} HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\n`,
  ],
  ["a space before a colon", `GET /readyz HTTP/1.1\r\nHost : a\r\n\r\n`],
  ["a header that goes on in the next line", `GET /readyz HTTP/1.1\r\n${HOST}X: a\r\n b\r\n\r\n`],
  ["a zero byte in a header", `GET /readyz HTTP/1.1\r\n${HOST}X: a\0b\r\n\r\n`],
  ["lines that end in line feeds alone", `GET /readyz HTTP/1.1\nHost: a\n\n`],
  ["a method that is none", `G\u0001T /readyz HTTP/1.1\r\n${HOST}\r\n`],
  ["a version that is none", `GET /readyz HTTP/9.9\r\n${HOST}\r\n`],
  ["no host", "GET /readyz HTTP/1.1\r\n\r\n"],
  ["a header of 1 MiB", `GET /readyz HTTP/1.1\r\n${HOST}X: ${"x".repeat(1024 * 1024)}\r\n\r\n`],
  ["a path of 1 MiB", `GET /${"x".repeat(1024 * 1024)} HTTP/1.1\r\n${HOST}\r\n`],
  ["no HTTP at all", "\x16\x03\x01 hello\r\n\r\n"],
];

for (const [name, request] of REFUSED)
  fuzz.case(`HTTP/1.1 with ${name} is refused, once, and the connection ends`, async () => {
    const answer = await say(request);
    assert.match(answer, /^(HTTP\/1\.1 4\d\d |$)/);
    assert.equal(answer.match(/HTTP\/1\.1 \d/g)?.length ?? 0, answer === "" ? 0 : 1, answer);
  });

fuzz.property(
  "HTTP/1.1 of any lines gets at most as many answers as requests",
  () =>
    fc.asyncProperty(
      fc.array(
        fc.constantFrom(
          "GET /readyz HTTP/1.1\r\n",
          "POST /api HTTP/1.1\r\n",
          HOST,
          "\r\n",
          "Content-Length: 3\r\n",
          "Transfer-Encoding: chunked\r\n",
          "Connection: upgrade\r\n",
          "Upgrade: websocket\r\n",
          "Upgrade: h2c\r\n",
          "Expect: 100-continue\r\n",
          "Expect: more\r\n",
          "0\r\n\r\n",
          "abc",
          "\0",
          "\r",
          "\n",
        ),
        { minLength: 1, maxLength: 12 },
      ),
      async (lines) => {
        const { ended, socket } = await openConnection(fuzz.server());
        socket.end(lines.join(""));
        const text = await Promise.race([ended, sleep(PATIENCE_MS).then(() => "")]);
        socket.destroy();
        const requests = lines.filter((line) => / HTTP\/1\.1/.test(line)).length;
        const answers = text.match(/HTTP\/1\.1 [2-5]/g)?.length ?? 0;
        assert.ok(answers <= requests + 1, text);
      },
    ) as never,
);

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const TYPE = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goAway: 7,
  window: 8,
  continuation: 9,
};
const END_STREAM = 1;
const END_HEADERS = 4;

function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A header as HPACK writes it without its tables. */
function literal(name: string, value: string): Buffer {
  const sized = (text: string): Buffer =>
    Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
  return Buffer.concat([Buffer.from([0]), sized(name), sized(value)]);
}

const GET = Buffer.concat([
  literal(":method", "GET"),
  literal(":path", "/readyz"),
  literal(":scheme", "https"),
  literal(":authority", "a"),
]);
const start = (...frames: readonly Buffer[]): Buffer =>
  Buffer.concat([PREFACE, frame(TYPE.settings, 0, 0), ...frames]);
const each = (count: number, make: (id: number) => readonly Buffer[]): Buffer[] =>
  Array.from({ length: count }, (_, at) => make(2 * at + 1)).flat();

const FLOODS: readonly (readonly [name: string, bytes: () => Buffer])[] = [
  [
    "5,000 streams that are reset at once",
    () =>
      start(
        ...each(5000, (id) => [
          frame(TYPE.headers, END_STREAM | END_HEADERS, id, GET),
          frame(TYPE.reset, 0, id, Buffer.alloc(4)),
        ]),
      ),
  ],
  [
    "5,000 streams of which none ends",
    () => start(...each(5000, (id) => [frame(TYPE.headers, END_HEADERS, id, GET)])),
  ],
  [
    "20,000 continuations of one head",
    () =>
      start(
        frame(TYPE.headers, 0, 1, GET),
        ...each(20_000, () => [frame(TYPE.continuation, 0, 1, literal("x", "y"))]),
      ),
  ],
  [
    "20,000 empty continuations",
    () =>
      start(
        frame(TYPE.headers, 0, 1, GET),
        ...each(20_000, () => [frame(TYPE.continuation, 0, 1)]),
      ),
  ],
  [
    "20,000 settings",
    () =>
      start(...each(20_000, () => [frame(TYPE.settings, 0, 0, Buffer.from([0, 3, 0, 0, 0, 1]))])),
  ],
  ["20,000 pings", () => start(...each(20_000, () => [frame(TYPE.ping, 0, 0, Buffer.alloc(8))]))],
  [
    "20,000 empty frames of data",
    () =>
      start(
        frame(TYPE.headers, END_HEADERS, 1, GET),
        ...each(20_000, () => [frame(TYPE.data, 0, 1)]),
      ),
  ],
  [
    "a head of 4,000 headers",
    () =>
      start(
        frame(TYPE.headers, 0, 1, GET),
        ...each(4, () => [
          frame(
            TYPE.continuation,
            0,
            1,
            Buffer.concat(each(1000, (id) => [literal(`x${id}`, "y")])),
          ),
        ]),
        frame(TYPE.continuation, END_HEADERS, 1),
      ),
  ],
  [
    "a window that overflows",
    () =>
      start(
        frame(TYPE.headers, END_HEADERS, 1, GET),
        ...each(3, () => [frame(TYPE.window, 0, 1, Buffer.from([0x7f, 0xff, 0xff, 0xff]))]),
      ),
  ],
  ["data on no stream", () => start(frame(TYPE.data, 0, 0, Buffer.from("x")))],
  ["a stream of the server's", () => start(frame(TYPE.headers, END_HEADERS, 2, GET))],
  [
    "a stream that depends on itself",
    () => start(frame(TYPE.priority, 0, 1, Buffer.from([0, 0, 0, 1, 9]))),
  ],
  [
    "a promise from a client",
    () => start(frame(TYPE.push, END_HEADERS, 1, Buffer.concat([Buffer.from([0, 0, 0, 2]), GET]))),
  ],
  ["a frame of 16 MiB", () => start(Buffer.from([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]))],
  ["no preface", () => Buffer.from("GET / HTTP/1.1\r\n\r\n")],
];

for (const [name, bytes] of FLOODS)
  fuzz.case(`HTTP/2 with ${name} costs its own connection at most`, async () => {
    await say(bytes(), "h2");
  });

fuzz.property(
  "HTTP/2 frames of any kind and content",
  () =>
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(11), fc.nat(255), fc.nat(8), fc.uint8Array({ maxLength: 40 })), {
        minLength: 1,
        maxLength: 12,
      }),
      async (frames) => {
        const { ended, socket } = await openConnection(fuzz.server(), "h2");
        socket.end(
          start(
            ...frames.map(([type, flags, stream, bytes]) =>
              frame(type, flags, stream, Buffer.from(bytes)),
            ),
          ),
        );
        await Promise.race([ended, sleep(PATIENCE_MS)]);
        socket.destroy();
      },
    ) as never,
);

fuzz.case("2,000 watches, of which nobody reads, go with their clients", async () => {
  const sessions = Array.from({ length: 4 }, () =>
    connect(`https://127.0.0.1:${fuzz.server().port}`, tlsOf(fuzz.server())),
  );
  const opened = sessions.flatMap((session) => {
    session.on("error", () => {});
    return Array.from({ length: 500 }, () => {
      const stream = session.request({ ":path": `${MAPS}?watch=1` });
      stream.on("error", () => {});
      return new Promise((resolve) => stream.once("response", resolve));
    });
  });
  await Promise.all(opened);
  const large = "x".repeat(100_000);
  for (let at = 0; at < 20; at++) {
    const body = JSON.stringify({ metadata: { name: `large-${at}` }, data: { large } });
    await fuzz
      .client()
      .ask({ method: "POST", path: MAPS, headers: { "content-type": "application/json" }, body });
  }
  for (const session of sessions) session.destroy();
  await fuzz.client().ask({ method: "DELETE", path: MAPS });
});

fuzz.case(
  "10,000 connections that say nothing, 500 of them in the middle of a request",
  async () => {
    const bare = await Promise.all(Array.from({ length: 8500 }, () => connectBare(fuzz.server())));
    const sockets = await crowd(1500);
    for (const socket of sockets.slice(0, 500))
      socket.write(
        "POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n{",
      );
    const { code } = await fuzz.client().ask({ path: "/readyz" });
    assert.equal(code, 200);
    for (const socket of [...bare, ...sockets]) socket.destroy();
    await Promise.all(
      sockets.map(
        (socket) =>
          new Promise((resolve) => (socket.closed ? resolve(0) : socket.once("close", resolve))),
      ),
    );
  },
);

/** Without so much as a handshake. */
function connectBare({ host, port }: ServerAccess): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port }, () => {
      socket.off("error", reject).on("error", () => {});
      resolve(socket);
    });
    socket.once("error", reject);
  });
}

/** All of one TLS session, so that most of them cost no signature. */
async function crowd(count: number): Promise<TLSSocket[]> {
  const sockets: TLSSocket[] = [];
  let session: Buffer | undefined;
  const open = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connectTls({
        ...tlsOf(fuzz.server()),
        ALPNProtocols: ["http/1.1"],
        ...(session ? { session } : {}),
      });
      socket.once("session", (given: Buffer) => {
        session = given;
      });
      socket.once("error", reject);
      socket.once("secureConnect", () => {
        socket.off("error", reject).on("error", () => {});
        sockets.push(socket);
        resolve();
      });
    });
  await open();
  while (sockets.length < count)
    await Promise.all(Array.from({ length: Math.min(100, count - sockets.length) }, open));
  return sockets;
}
