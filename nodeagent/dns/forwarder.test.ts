import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { test } from "node:test";
import { decode, encode } from "dns-packet";
import { systemClock } from "#lib/system-clock";
import { createForwarder } from "./forwarder.ts";

/** A UDP socket may not be connected to it, as to an address without a route. */
const UNREACHABLE = "255.255.255.255";

/** An upstream on loopback that gives every name the same address. */
async function startUpstream(): Promise<{ port: number; close(): void }> {
  const socket = createSocket("udp4");
  socket.on("message", (bytes, from) => {
    const { id = 0, questions = [] } = decode(bytes);
    const [{ name } = { name: "" }] = questions;
    const answers = [{ type: "A" as const, name, ttl: 5, data: "192.0.2.7" }];
    socket.send(encode({ type: "response", id, questions, answers }), from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return { port: socket.address().port, close: () => socket.close() };
}

test("an upstream that cannot be reached is no answer, and no end of the agent", async () => {
  const forwarder = createForwarder({ upstreams: [UNREACHABLE], clock: systemClock });
  assert.equal(await forwarder.ask("example.com", "A"), undefined);
});

test("the next upstream is asked when the first cannot be reached", async () => {
  const { close, port } = await startUpstream();
  const upstreams = [UNREACHABLE, "127.0.0.1"];
  const forwarder = createForwarder({ upstreams, clock: systemClock, port });
  const packet = await forwarder.ask("example.com", "A");
  close();
  assert.deepEqual(
    packet?.answers?.map((answer) => "data" in answer && answer.data),
    ["192.0.2.7"],
  );
});
