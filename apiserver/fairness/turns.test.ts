import assert from "node:assert/strict";
import { test } from "node:test";
import { dealHand, entropyBits } from "./hand.ts";
import { RetryAfter } from "./retry-after.ts";
import { Turns } from "./turns.ts";

/** A loop whose turns a test takes. */
function loop() {
  const due: (() => void)[] = [];
  const order: string[] = [];
  const turns = new Turns((callback) => due.push(callback));
  const wait = (level: string, flow: string, weight = 1, cost = 1): void =>
    turns.wait({ level, flow, weight, cost, run: () => order.push(`${level}/${flow}`) });
  const turn = (count = 1): void => {
    for (let each = 0; each < count; each++) due.shift()?.();
  };
  return { turns, order, wait, turn, due };
}

test("a few begin at once in a turn, the rest wait for turns, one each", () => {
  const { order, turn, turns, wait } = loop();
  assert.deepEqual(
    [0, 0.1, 0.2, 0.3, 0.4].map((nowMs) => turns.tryStart(nowMs)),
    [true, true, true, true, false],
  );
  wait("l", "a");
  wait("l", "a");
  turn();
  assert.deepEqual(order, ["l/a"]);
  assert.equal(turns.tryStart(1), false, "nobody overtakes those who wait");
  turn();
  assert.equal(order.length, 2);
  turn();
  assert.equal(turns.tryStart(2), true);
});

test("a turn that has taken long begins nothing more", () => {
  const { turn, turns } = loop();
  assert.equal(turns.tryStart(0), true);
  assert.equal(turns.tryStart(5), false);
  turn();
  assert.equal(turns.tryStart(5), true);
});

test("an idle server asks for no turns", () => {
  const { due, turn, wait } = loop();
  wait("l", "a");
  turn();
  assert.equal(due.length, 0);
});

test("a flow of one waits behind one of a flow of a thousand, at most", () => {
  const { order, turn, wait } = loop();
  for (let each = 0; each < 1000; each++) wait("l", "large");
  turn(10);
  wait("l", "small");
  turn(2);
  assert.ok(order.slice(10).includes("l/small"), order.slice(10).join());
});

test("flows that come back at once do not push out one that waits", () => {
  const { order, turn, wait } = loop();
  for (let each = 0; each < 1000; each++) wait("l", "large");
  for (const flow of ["a", "b", "c"]) wait("l", flow);
  for (let count = 0; count < 400; count++) {
    turn();
    const flow = order.at(-1)?.slice(2) ?? "";
    if (flow !== "large") wait("l", flow);
  }
  for (const flow of ["large", "a", "b", "c"]) {
    const had = order.filter((each) => each === `l/${flow}`).length;
    assert.ok(had >= 95 && had <= 105, `${flow}: ${had} of 400`);
  }
});

test("levels have turns in proportion to their seats, and wide requests cost more", () => {
  const { order, turn, wait } = loop();
  for (let each = 0; each < 1000; each++) {
    wait("heavy", "a", 3);
    wait("light", "a", 1);
  }
  turn(400);
  const light = order.filter((each) => each === "light/a").length;
  assert.ok(light >= 95 && light <= 105, `${light} of 400`);

  const costs = loop();
  for (let each = 0; each < 1000; each++) {
    costs.wait("l", "wide", 1, 10);
    costs.wait("l", "narrow", 1, 1);
  }
  costs.turn(330);
  const wide = costs.order.filter((each) => each === "l/wide").length;
  assert.ok(wide >= 28 && wide <= 32, `${wide} of 330`);
});

test("hands are distinct queues, the same for the same flow, and spread over all", () => {
  const seen = new Set<number>();
  for (let flow = 0; flow < 500; flow++) {
    const hand = dealHand(`f${flow}`, 64, 8);
    assert.equal(new Set(hand).size, 8);
    assert.ok(hand.every((card) => card >= 0 && card < 64));
    assert.deepEqual(dealHand(`f${flow}`, 64, 8), hand);
    for (const card of hand) seen.add(card);
  }
  assert.equal(seen.size, 64);
  assert.deepEqual(dealHand("a", 3, 3).toSorted(), [0, 1, 2]);
  assert.equal(entropyBits(128, 6), 42);
});

test("clients stay away longer while the flood lasts, and less when it is over", () => {
  const level = new RetryAfter(0);
  const flood = (fromMs: number): number => {
    let seconds = 0;
    for (let each = 0; each < 1000; each++) seconds = level.refuse(fromMs + each);
    return seconds;
  };
  assert.equal(flood(0), 1);
  assert.equal(flood(1000), 2);
  assert.equal(flood(3000), 4);
  for (let atMs = 7000; atMs < 200_000; atMs += 1000) flood(atMs);
  assert.equal(flood(200_000), 32);
  assert.equal(level.refuse(500_000), 32, "of the flood before");
  assert.equal(level.refuse(560_000), 1);
});
