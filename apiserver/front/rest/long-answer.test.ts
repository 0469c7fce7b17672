import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestOptions, request } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { until } from "../../../test/harness/until.ts";
import { answerLong } from "./long-answer.ts";
import { Exchange } from "./respond.ts";

const PIECE = Buffer.from("0123456789".repeat(100));
const never = new AbortController().signal;

/** Answers with `pieces`, asks as `options` say, and tells how answering ended. */
async function asked(
  pieces: Iterable<Buffer>,
  options: RequestOptions,
  step: (response: IncomingMessage, answered: Promise<unknown>) => Promise<void>,
): Promise<void> {
  const answered = Promise.withResolvers<unknown>();
  const server = createServer((incoming, response) => {
    const exchange = new Exchange(incoming as never, response as never);
    const leaving = exchange.leaving(never);
    answered.resolve(
      answerLong({ exchange, signal: leaving }, "application/json", pieces).catch((error) => error),
    );
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  try {
    const { port } = server.address() as AddressInfo;
    const asking = request({ port, host: "127.0.0.1", ...options }).end();
    const [response] = (await once(asking, "response")) as [IncomingMessage];
    await step(response, answered.promise);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

async function bytesOf(response: IncomingMessage): Promise<Buffer> {
  return Buffer.concat(await response.toArray());
}

test("answerLong() tells a short answer's length", async () => {
  await asked([PIECE, PIECE], {}, async (response) => {
    assert.equal(response.headers["content-length"], "2000");
    assert.deepEqual(await bytesOf(response), Buffer.concat([PIECE, PIECE]));
  });
});

const whole = Buffer.concat(Array.from({ length: 1000 }, () => PIECE));

test("answerLong() sends a long answer whole", async () => {
  await asked(Array(1000).fill(PIECE), {}, async (response) => {
    assert.ok((await bytesOf(response)).equals(whole));
    assert.ok(response.complete);
  });
});

test("answerLong() packs a long answer for who takes it so", async () => {
  const headers = { "accept-encoding": "gzip" };
  await asked(Array(1000).fill(PIECE), { headers }, async (response) => {
    assert.equal(response.headers["content-encoding"], "gzip");
    assert.ok(gunzipSync(await bytesOf(response)).equals(whole));
  });
});

test("answerLong() sends no body to HEAD", async () => {
  await asked(Array(1000).fill(PIECE), { method: "HEAD" }, async (response, answered) => {
    assert.equal(response.statusCode, 200);
    assert.equal((await bytesOf(response)).length, 0);
    assert.equal(await answered, undefined);
  });
});

test("answerLong() makes no more than a slow client reads, and ends when it leaves", async () => {
  let taken = 0;
  function* endless() {
    for (;;) {
      taken += PIECE.length;
      yield PIECE;
    }
  }
  await asked(endless(), {}, async (response, answered) => {
    let last = 0;
    await until("the writing to stop", 5_000, async () => {
      const isStill = last === taken;
      last = taken;
      return isStill;
    });
    assert.ok(taken < 20_000_000, `${taken} bytes were made`);
    response.destroy();
    assert.equal(await answered, undefined);
  });
});

test("answerLong() gives the loop a turn after each slice", async () => {
  let turns = 0;
  let ended = false;
  const count = (): void => {
    turns++;
    if (!ended) setImmediate(count);
  };
  function* pieces() {
    setImmediate(count);
    for (let i = 0; i < 5000; i++) yield PIECE;
    ended = true;
  }
  await asked(pieces(), {}, async (response) => {
    assert.equal((await bytesOf(response)).length, 5000 * PIECE.length);
    // 5 MB in slices of 512 kB.
    assert.ok(turns >= 9, `${turns} turns`);
  });
});

test("answerLong() breaks off when making fails, so that half is not taken for the whole", async () => {
  function* failing() {
    for (let i = 0; i < 1000; i++) yield PIECE;
    throw new Error("a bug");
  }
  await asked(failing(), {}, async (response, answered) => {
    await assert.rejects(bytesOf(response), { code: "ECONNRESET" });
    assert.match(String(await answered), /a bug/);
  });
});
