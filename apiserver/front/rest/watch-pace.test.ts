import assert from "node:assert/strict";
import { test } from "node:test";
import { TestClock } from "../../storage/test-clock.ts";
import { WatchPace } from "./watch-pace.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("WatchPace does not hold up watches whose writing is quick", async () => {
  const pace = new WatchPace(new TestClock());
  for (let i = 0; i < 3; i++) await pace.rest();
});

const rests = [
  { tookMs: 0.5, restMs: 0 },
  { tookMs: 3, restMs: 12 },
  { tookMs: 500, restMs: 20 },
];

for (const { restMs, tookMs } of rests) {
  test(`WatchPace rests for ${restMs} ms after ${tookMs} ms of writing`, async () => {
    const clock = new TestClock(0);
    const pace = new WatchPace(clock);
    let rested = 0;
    const watch = async (): Promise<void> => {
      await pace.rest();
      rested++;
    };
    const watches = [watch(), watch()];
    clock.advance(tookMs);
    await turn();
    if (restMs > 0) {
      clock.advance(restMs - 0.1);
      await turn();
      assert.equal(rested, 0);
      clock.advance(0.1);
    }
    await Promise.all(watches);
    assert.equal(rested, 2, "all of a round rest together");
  });
}
