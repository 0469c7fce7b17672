import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, get, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, createServer as createServer2 } from "node:http2";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { silentLogger } from "#lib/logger";
import { Counter } from "#lib/metrics";
import { StatusError } from "#lib/status-error";
import { pods } from "#resources";
import { until } from "../../../test/harness/until.ts";
import { Published } from "../../chain/published.ts";
import type { PublishedEvent } from "../../chain/steps.ts";
import { TestClock } from "../../storage/test-clock.ts";
import { Exchange } from "./respond.ts";
import { WatchPace } from "./watch-pace.ts";
import { writeWatch } from "./watch-stream.ts";

function event(name: string, bytes = 0): PublishedEvent {
  const metadata = { name, annotations: { a: "x".repeat(bytes) } };
  const stored = JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata });
  return { type: "ADDED", object: new Published(name, 1, Buffer.from(stored)) };
}

async function* batches(...names: readonly string[][]) {
  for (const batch of names) yield batch.map((name) => event(name));
}

function watchOn(
  exchange: Exchange,
  events: AsyncIterable<readonly PublishedEvent[]>,
  signal = new AbortController().signal,
): Promise<void> {
  const encoding = {
    resource: pods,
    representation: { type: "application/json", as: "Object", version: "v1" },
    includeObject: "Metadata",
    nowMs: 0,
  } as const;
  const pace = new WatchPace(new TestClock());
  const logger = silentLogger;
  const counter = new Counter();
  return writeWatch({ exchange, encoding: () => encoding, events, counter, pace, signal, logger });
}

type Answer = (exchange: Exchange) => unknown;

/** A server whose every answer is `answer`'s; gives the port. */
async function serving(answer: Answer, step: (port: number) => Promise<void>): Promise<void> {
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    void answer(new Exchange(request as never, response as never));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  try {
    await step((server.address() as AddressInfo).port);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

function ask(port: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get({ port, host: "127.0.0.1" }, resolve).on("error", reject);
  });
}

function told(text: string): string[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))
    .map(({ type, object }) => `${type} ${object.metadata.name ?? object.reason}`);
}

test("writeWatch() sends HTTP/1.1 clients all events, and a body that ends well", async () => {
  await serving(
    (exchange) => watchOn(exchange, batches([], ["a"], ["b", "c"])),
    async (port) => {
      const response = await ask(port);
      assert.equal(response.headers["transfer-encoding"], "chunked");
      assert.deepEqual(told((await response.toArray()).join("")), [
        "ADDED a",
        "ADDED b",
        "ADDED c",
      ]);
      assert.ok(response.complete);
    },
  );
});

test("writeWatch() sends HTTP/2 clients the same", async () => {
  const server = createServer2((request, response) => {
    void watchOn(new Exchange(request, response), batches([], ["a"], ["b", "c"]));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const text = (await client.request({ ":path": "/" }).toArray()).join("");
  assert.deepEqual(told(text), ["ADDED a", "ADDED b", "ADDED c"]);
  client.close();
  server.close();
});

test("writeWatch() ends with the reason when the events do", async () => {
  async function* failing() {
    yield [event("a")];
    throw new StatusError("Expired", "too old");
  }
  await serving(
    (exchange) => watchOn(exchange, failing()),
    async (port) => {
      const response = await ask(port);
      assert.deepEqual(told((await response.toArray()).join("")), ["ADDED a", "ERROR Expired"]);
      assert.ok(response.complete);
    },
  );
});

/** Never ends by itself. */
async function* endless(bytes: number, taken: { count: number }, signal: AbortSignal) {
  while (!signal.aborted) {
    taken.count++;
    yield [event("a", bytes)];
  }
}

test("writeWatch() takes no more events than a slow client reads, and ends when it leaves", async () => {
  const leaving = new AbortController();
  const taken = { count: 0 };
  let over = false;
  const answer = async (exchange: Exchange): Promise<void> => {
    exchange.response.once("close", () => leaving.abort());
    await watchOn(exchange, endless(100_000, taken, leaving.signal), leaving.signal);
    over = true;
  };
  await serving(answer, async (port) => {
    const response = await ask(port);
    let last = -1;
    await until("the writing to stop", 5_000, async () => {
      const isStill = taken.count > 0 && taken.count === last;
      last = taken.count;
      return isStill;
    });
    // What the kernel's buffers hold, and one more.
    assert.ok(taken.count < 200, `${taken.count} events of 100 kB were taken`);
    response.destroy();
    await until("its end", 5_000, async () => over);
  });
});
