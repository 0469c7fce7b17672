import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "#lib/logger";
import { seededRandom, VirtualClock } from "#lib/testing/virtual-clock";
import { type Batching, DEFAULT_BATCHING, WebhookSink } from "./webhook-sink.ts";

interface Posted {
  readonly atMs: number;
  readonly ids: readonly number[];
}

/** A receiver that answers as `answer` says, in the receiver's own time. */
function scene(
  batching: Partial<Batching>,
  answer: (attempt: number) => number | "nobody" | "never" = () => 200,
) {
  const clock = new VirtualClock();
  const startMs = clock.nowMs();
  const posted: Posted[] = [];
  const told: string[] = [];
  const sink = new WebhookSink({
    clock,
    random: seededRandom(1),
    batching: { ...DEFAULT_BATCHING, ...batching },
    logger: {
      ...silentLogger,
      error: (message, fields) => told.push(`${message}: ${JSON.stringify(fields)}`),
    },
    post: (body, signal) => {
      const { items, kind } = JSON.parse(body.toString("utf8"));
      assert.equal(kind, "EventList");
      posted.push({ atMs: clock.nowMs() - startMs, ids: items.map((e: { id: number }) => e.id) });
      const said = answer(posted.length);
      if (said === "nobody") return Promise.reject(new Error("connection refused"));
      if (said !== "never") return Promise.resolve(said);
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(new Error("aborted")));
      });
    },
  });
  const take = (from: number, to: number): void => {
    for (let id = from; id <= to; id++) sink.take(JSON.stringify({ id }));
  };
  return { clock, posted, sink, take, told };
}

test("events wait for others, and then go together", async () => {
  const { clock, posted, take } = scene({ maxWaitMs: 1000 });
  take(1, 2);
  await clock.advance(999);
  assert.deepEqual(posted, []);
  take(3, 3);
  await clock.advance(1);
  assert.deepEqual(posted, [{ atMs: 1000, ids: [1, 2, 3] }]);
  await clock.advance(60_000);
  assert.equal(posted.length, 1);
  assert.equal(clock.timers, 0);
});

test("a full batch goes at once, in its order", async () => {
  const { clock, posted, take } = scene({ maxSize: 3, maxWaitMs: 1000 });
  take(1, 7);
  await clock.settle();
  assert.deepEqual(
    posted.map(({ ids }) => ids),
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
  );
  await clock.advance(1000);
  assert.deepEqual(posted.at(-1)?.ids, [7]);
});

test("batches go no faster than they may", async () => {
  const { clock, posted, take } = scene({ maxSize: 1, throttle: { qps: 2, burst: 2 } });
  take(1, 5);
  await clock.advance(10_000);
  assert.deepEqual(
    posted.map(({ atMs }) => atMs),
    [0, 0, 500, 1000, 1500],
  );
});

test("a receiver that is away is asked again, after longer and longer waits; then the batch is dropped", async () => {
  const { clock, posted, sink, take, told } = scene(
    { maxSize: 2, initialBackoffMs: 1000 },
    (attempt) => (attempt <= 5 ? "nobody" : 200),
  );
  take(1, 4);
  await clock.advance(60_000);
  assert.deepEqual(
    posted.map(({ ids }) => ids.join()),
    [...Array(5).fill("1,2"), "3,4"],
  );
  const waits = posted.slice(1, 5).map(({ atMs }, index) => atMs - (posted[index]?.atMs ?? 0));
  for (const [index, waitMs] of waits.entries()) {
    const least = 1000 * 1.5 ** index;
    assert.ok(waitMs >= least && waitMs <= least * 1.2, `wait ${index} of ${waitMs} ms`);
  }
  assert.equal(sink.lost, 2);
  assert.deepEqual(told, [
    'audit events for the webhook are dropped: {"events":2,"sinceStart":2,"why":"connection refused"}',
  ]);
});

test("a refusal is not repeated, a server's trouble is", async () => {
  const codes = [400, 503, 429, 200];
  const { clock, posted, sink, take } = scene({ maxSize: 1 }, (n) => codes[n - 1] ?? 200);
  take(1, 2);
  await clock.advance(120_000);
  assert.deepEqual(
    posted.map(({ ids }) => ids),
    [[1], [2], [2], [2]],
  );
  assert.equal(sink.lost, 1);
});

test("a receiver that says nothing is left after half a minute", async () => {
  const { clock, posted, take } = scene({ maxSize: 1, initialBackoffMs: 1 }, (n) =>
    n === 1 ? "never" : 200,
  );
  take(1, 1);
  await clock.advance(31_000);
  assert.equal(posted.length, 2);
});

test("what finds no room is dropped, counted, and told now and then", async () => {
  const { clock, sink, take, told } = scene({ bufferSize: 10, maxSize: 5 }, () => "never");
  take(1, 25);
  await clock.settle();
  assert.equal(sink.lost, 15);
  assert.equal(told.length, 1);
  take(26, 40);
  await clock.advance(10_000);
  take(41, 41);
  assert.match(told[1] ?? "", /"events":\d\d,"sinceStart":\d\d,"why":"the buffer is full"/);
});

test("what is left when the server ends is sent at once, or given up in bounded time", async () => {
  const quick = scene({});
  quick.take(1, 3);
  await quick.sink.close();
  assert.deepEqual(quick.posted, [{ atMs: 0, ids: [1, 2, 3] }]);
  const slow = scene({ maxSize: 1 }, () => "never");
  slow.take(1, 3);
  const closed = slow.sink.close();
  await slow.clock.advance(5_000);
  await closed;
  assert.equal(slow.sink.lost, 3);
});
