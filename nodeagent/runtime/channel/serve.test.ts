import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ProcessInput, ProcessOutput } from "#services/supervisor";
import { CallClient } from "./call-client.ts";
import { type MessageStream, PeerGone } from "./message-stream.ts";
import type { Method } from "./method.ts";
import { answering, type CallServer, type ServedMethod, serveCalls, streaming } from "./serve.ts";

const SAY: Method<ProcessInput, ProcessOutput> = {
  name: "say",
  request: ProcessInput,
  reply: ProcessOutput,
};
const TALK = { ...SAY, name: "talk" };

interface Pair {
  readonly client: CallClient;
  readonly server: CallServer;
  readonly path: string;
}

async function open(t: TestContext, ...methods: readonly ServedMethod[]): Promise<Pair> {
  const directory = mkdtempSync(join(tmpdir(), "naru-channel-"));
  const path = join(directory, "socket");
  const server = await serveCalls(path, methods);
  const client = new CallClient(path);
  t.after(() => {
    client.close();
    server.close();
    rmSync(directory, { recursive: true });
  });
  return { client, server, path };
}

function input(text: string): ProcessInput {
  return { frame: { $case: "attach", value: text } };
}

function output(text: string): ProcessOutput {
  return { frame: { $case: "stdout", value: Buffer.from(text) } };
}

function textOf({ frame }: ProcessInput | ProcessOutput): string {
  return String(frame?.value);
}

/** Answers "last" first. */
function echo(): ServedMethod {
  const held: (() => void)[] = [];
  return answering(SAY, async (request) => {
    const text = textOf(request);
    if (text === "bad") throw new Error("no such thing");
    if (text !== "last") await new Promise<void>((resolve) => held.push(resolve));
    else setImmediate(() => held.forEach((release) => void release()));
    return output(text);
  });
}

test("calls under way at once are each given their own answer, or error", async (t) => {
  const { client, path } = await open(t, echo());
  const asked = ["a", "bad", "b", "last"].map((text) => client.call(SAY, input(text)).then(textOf));
  const answers = await Promise.allSettled(asked);
  assert.deepEqual(
    answers.map((each) => (each.status === "fulfilled" ? each.value : each.reason.message)),
    ["a", "no such thing", "b", "last"],
  );
  assert.equal(statSync(path).mode & 0o777, 0o600);
  await assert.rejects(client.call(TALK, input("")), /method "talk": there is no such/);
});

test("a server that goes away, or never was, is told apart", async (t) => {
  const { client, server, path } = await open(t, echo());
  const isGone = (wasReached: boolean) => (error: unknown) =>
    error instanceof PeerGone && error.wasReached === wasReached;
  const waiting = client.call(SAY, input("waits"));
  await client.call(SAY, input("last"));
  const again = client.call(SAY, input("waits"));
  assert.equal(textOf(await waiting), "waits");
  server.close();
  await assert.rejects(again, isGone(true));
  await assert.rejects(client.call(SAY, input("x")), isGone(false));
  await assert.rejects(client.open(TALK), isGone(false));
  // The next one at the same place is found by the same client.
  const next = await serveCalls(path, [answering(SAY, async () => output("next"))]);
  t.after(() => next.close());
  assert.equal(textOf(await client.call(SAY, input("x"))), "next");
});

test("a stream carries messages both ways and says how it ended", async (t) => {
  const serve = streaming(TALK, (stream) => {
    stream.onMessage((message) => {
      const text = textOf(message);
      if (text === "end") stream.end();
      else if (text === "fail") stream.fail("it broke");
      else void stream.send(output(text.toUpperCase()));
    });
  });
  const { client, server } = await open(t, serve);
  for (const [last, ending] of [
    ["end", undefined],
    ["fail", /it broke/],
  ] as const) {
    const stream = await client.open(TALK);
    const heard: string[] = [];
    stream.onMessage((message) => heard.push(textOf(message)));
    for (const text of ["one", "two", last]) void stream.send(input(text));
    if (ending === undefined) await stream.over;
    else await assert.rejects(stream.over, ending);
    assert.deepEqual(heard, ["ONE", "TWO"]);
    await stream.closed;
  }
  const cut = await client.open(TALK);
  server.close();
  await assert.rejects(cut.over, PeerGone);
});

test("who sends to a reader that pauses has to wait, and nothing is lost", async (t) => {
  const chunk = "x".repeat(64 * 1024);
  let sent = 0;
  const sendAll = async (stream: MessageStream<ProcessInput, ProcessOutput>): Promise<void> => {
    for (; sent < 200; sent++) await stream.send(output(chunk));
    stream.end();
  };
  const serve = streaming(TALK, (stream) => void sendAll(stream));
  const { client } = await open(t, serve);
  const stream = await client.open(TALK);
  let bytes = 0;
  stream.onMessage((message) => {
    bytes += textOf(message).length;
    if (bytes === chunk.length) stream.pause();
  });
  while (bytes === 0) await new Promise((resolve) => setImmediate(resolve));
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(sent < 100, `${sent} sent`);
  stream.resume();
  await stream.over;
  assert.equal(bytes, 200 * chunk.length);
});

test("the server learns that a client gave up, also when it says much", async (t) => {
  const left = Promise.withResolvers<void>();
  const serve = streaming(TALK, (stream) => {
    void stream.closed.then(left.resolve);
    void stream.send(output("begin"));
  });
  const { client } = await open(t, serve);
  const stream = await client.open(TALK);
  stream.onMessage(() => {
    for (let i = 0; i < 100; i++) void stream.send(input("y".repeat(10_000)));
    stream.destroy();
  });
  await left.promise;
});

test("a client hangs up on what is not our protocol", async (t) => {
  const { path } = await open(t);
  const other = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  await new Promise<void>((resolve) => other.listen(`${path}2`, resolve));
  t.after(() => other.close());
  const client = new CallClient(`${path}2`);
  t.after(() => client.close());
  await assert.rejects(client.call(SAY, input("x")), PeerGone);
});
