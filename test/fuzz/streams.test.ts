/** exec and port-forward with frames that no client sends, over WebSockets and SPDY; the node is a script. */
import assert from "node:assert/strict";
import { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { constants, createDeflate } from "node:zlib";
import fc from "fast-check";
import { SPDY_DICTIONARY } from "../../apiserver/proxy/spdy/dictionary.ts";
import { controlFrame, dataFrame, TYPE, words } from "../../apiserver/proxy/spdy/frames.ts";
import { HeaderWriter } from "../../apiserver/proxy/spdy/header-block.ts";
import { type FakeAgent, startFakeAgent } from "../harness/fake-agent.ts";
import { useFuzz } from "../harness/fuzz.ts";
import { openConnection, type RawClient } from "../harness/raw-http.ts";
import type { ServerProcess } from "../harness/server-process.ts";

const PODS = "/api/v1/namespaces/default/pods";
/** A server that waits for more is left after this. */
const PATIENCE_MS = 60;
let agent: FakeAgent | undefined;

const fuzz = useFuzz(async (client, server) => {
  agent = startNode(server);
  await agent.ready;
  const make = (path: string, body: object): Promise<unknown> => post(client, path, body);
  await make(PODS, {
    metadata: { name: "web" },
    spec: { containers: [{ name: "c", image: "x" }] },
  });
  await make(`${PODS}/web/binding`, {
    metadata: { name: "web" },
    target: { kind: "Node", name: "n1" },
  });
});

after(() => agent?.close());

async function post(client: RawClient, path: string, body: object): Promise<void> {
  const headers = { "content-type": "application/json" };
  const { code, text } = await client.ask({
    method: "POST",
    path,
    headers,
    body: JSON.stringify(body),
  });
  assert.equal(code, 201, text);
}

/** It reads what comes, and ends when there is no more. */
function startNode({ ca, grpcPort, host, node }: ServerProcess): FakeAgent {
  return startFakeAgent(
    { address: `${host}:${grpcPort}`, authority: ca, ...node },
    async (session) => {
      for await (const frame of session.frames()) if (frame.$case === "stdinEnd") break;
      session.end();
    },
  );
}

const UPGRADES = {
  websocket:
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: ",
  spdy: "Upgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ",
};

/** Says the bytes once the upgrade is through. */
async function stream(what: string, upgrade: string, ...bytes: readonly Buffer[]): Promise<string> {
  const { ended, socket } = await openConnection(fuzz.server());
  let text = "";
  const upgraded = new Promise<void>((resolve) =>
    socket.on("data", (chunk: string) => {
      text += chunk;
      if (text.includes("\r\n\r\n")) resolve();
    }),
  );
  socket.write(
    `GET ${PODS}/web/${what} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n${upgrade}\r\n\r\n`,
  );
  await Promise.race([upgraded, ended]);
  for (const each of bytes) if (socket.writable) socket.write(each);
  await Promise.race([ended, sleep(PATIENCE_MS)]);
  socket.destroy();
  await ended;
  return text;
}

const EXEC = "exec?command=cat&stdin=1&stdout=1";
const KINDS = [
  ["exec over a WebSocket", EXEC, `${UPGRADES.websocket}v5.channel.k8s.io`],
  [
    "port-forward over a WebSocket",
    "portforward?ports=80",
    `${UPGRADES.websocket}v4.channel.k8s.io`,
  ],
  [
    "port-forward over SPDY in a WebSocket",
    "portforward",
    `${UPGRADES.websocket}SPDY/3.1+portforward.k8s.io`,
  ],
  ["exec over SPDY", EXEC, `${UPGRADES.spdy}v4.channel.k8s.io`],
  ["port-forward over SPDY", "portforward", `${UPGRADES.spdy}portforward.k8s.io`],
] as const;

for (const [name, what, upgrade] of KINDS) {
  fuzz.property(
    `${name}: any bytes`,
    () =>
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 4 }),
        async (chunks) => {
          assert.match(
            await stream(what, upgrade, ...chunks.map((each) => Buffer.from(each))),
            /^HTTP\/1\.1 101 /,
          );
        },
      ) as never,
    15,
  );
}

const part = fc.oneof(
  fc
    .tuple(fc.nat(12), fc.nat(255), fc.uint8Array({ maxLength: 24 }))
    .map(([type, flags, bytes]) => controlFrame(type, Buffer.from(bytes), flags)),
  fc
    .tuple(fc.nat(9), fc.uint8Array({ maxLength: 24 }), fc.boolean())
    .map(([id, bytes, fin]) => dataFrame(id, Buffer.from(bytes), fin)),
);
const message = fc
  .tuple(fc.nat(15), fc.boolean(), fc.boolean(), fc.nat(7), fc.uint8Array({ maxLength: 130 }))
  .map(([opcode, fin, masked, reserved, bytes]) =>
    webSocketFrame({ opcode, fin, masked, reserved }, Buffer.from(bytes)),
  );

for (const [name, what, upgrade] of KINDS.filter(
  ([each]) => each.includes("SPDY") && !each.includes("WebSocket"),
))
  fuzz.property(
    `${name}: frames of any kind`,
    () =>
      fc.asyncProperty(fc.array(part, { maxLength: 8 }), async (frames) => {
        await stream(what, upgrade, Buffer.concat(frames));
      }) as never,
    15,
  );

for (const [name, what, upgrade] of KINDS.filter(([each]) => each.includes("WebSocket")))
  fuzz.property(
    `${name}: messages of any kind`,
    () =>
      fc.asyncProperty(fc.array(message, { maxLength: 6 }), async (messages) => {
        await stream(what, upgrade, Buffer.concat(messages));
      }) as never,
    15,
  );

interface Head {
  readonly opcode: number;
  readonly fin: boolean;
  readonly masked: boolean;
  readonly reserved: number;
}

/** Its mask is of zeros. */
function webSocketFrame({ fin, masked, opcode, reserved }: Head, payload: Buffer): Buffer {
  const first = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  const length =
    payload.length < 126 ? [payload.length] : [126, payload.length >> 8, payload.length & 0xff];
  length[0] = (length[0] ?? 0) | (masked ? 0x80 : 0);
  return Buffer.concat([Buffer.from([first, ...length]), Buffer.alloc(masked ? 4 : 0), payload]);
}

fuzz.case("a WebSocket message of an exbibyte is refused before it comes", async () => {
  const head = Buffer.from([
    0x82, 0xff, 0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0,
  ]);
  await stream(EXEC, `${UPGRADES.websocket}v5.channel.k8s.io`, head, Buffer.alloc(1024));
});

fuzz.case("fragments without an end are held up to a bound", async () => {
  const piece = webSocketFrame(
    { opcode: 0, fin: false, masked: true, reserved: 0 },
    Buffer.alloc(60_000),
  );
  const first = webSocketFrame(
    { opcode: 2, fin: false, masked: true, reserved: 0 },
    Buffer.alloc(60_000),
  );
  await stream(
    EXEC,
    `${UPGRADES.websocket}v5.channel.k8s.io`,
    first,
    ...Array.from({ length: 1000 }, () => piece),
  );
});

fuzz.case("a header block that unpacks to 100 MiB is refused on the way", async () => {
  const deflate = createDeflate({ dictionary: SPDY_DICTIONARY });
  const chunks: Buffer[] = [];
  deflate.on("data", (chunk: Buffer) => chunks.push(chunk));
  deflate.write(Buffer.alloc(20 * 1024 * 1024));
  await new Promise<void>((resolve) => deflate.flush(constants.Z_SYNC_FLUSH, resolve));
  const block = Buffer.concat(chunks);
  const syn = controlFrame(TYPE.synStream, Buffer.concat([words(1, 0), Buffer.alloc(2), block]));
  await stream(EXEC, `${UPGRADES.spdy}v4.channel.k8s.io`, syn);
  deflate.destroy();
});

fuzz.case("5,000 streams that nobody pairs, with data that nobody reads", async () => {
  const writer = new HeaderWriter();
  const frames: Buffer[] = [];
  for (let id = 1; id < 10_001; id += 2) {
    const block = await writer.write(
      new Map([
        ["streamtype", "error"],
        ["port", "80"],
        ["requestid", String(id)],
      ]),
    );
    frames.push(
      controlFrame(TYPE.synStream, Buffer.concat([words(id, 0), Buffer.alloc(2), block])),
    );
    frames.push(dataFrame(id, Buffer.alloc(4096), false));
  }
  writer.close();
  await stream("portforward", `${UPGRADES.spdy}portforward.k8s.io`, Buffer.concat(frames));
});

for (const [name, upgrade, code] of [
  ["no protocol that is known", `${UPGRADES.websocket}v99.channel.k8s.io`, 400],
  ["an upgrade to something else", "Upgrade: h2c", 400],
  [
    "half a WebSocket handshake",
    "Upgrade: websocket\r\nSec-WebSocket-Protocol: v5.channel.k8s.io",
    400,
  ],
] as const)
  fuzz.case(`exec with ${name} is refused with ${code}`, async () => {
    assert.match(await stream(EXEC, upgrade), new RegExp(`^HTTP/1\\.1 ${code} `));
  });

fuzz.case("a command of 5,000 words, and 5,000 ports", async () => {
  const command = Array.from({ length: 5000 }, () => "command=a").join("&");
  assert.match(
    await stream(`exec?${command}&stdin=1`, `${UPGRADES.websocket}v5.channel.k8s.io`),
    /^HTTP\/1\.1 /,
  );
  const ports = Array.from({ length: 5000 }, (_, at) => `ports=${at}`).join("&");
  assert.match(
    await stream(`portforward?${ports}`, `${UPGRADES.websocket}v4.channel.k8s.io`),
    /^HTTP\/1\.1 /,
  );
});
