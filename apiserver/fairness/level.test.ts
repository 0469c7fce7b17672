import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "#lib/testing/virtual-clock";
import { Level, type LevelSettings, type Ticket } from "./level.ts";

/** A flow that keeps so many requests under way, each of so long. */
interface Load {
  readonly flow: string;
  readonly parallel: number;
  readonly seats: number;
  readonly lengthMs: (random: () => number) => number;
}

interface Running extends Ticket {
  readonly load: Load;
}

interface Outcome {
  /** Seat-milliseconds by flow. */
  readonly had: ReadonlyMap<string, number>;
  readonly done: ReadonlyMap<string, number>;
  readonly refused: ReadonlyMap<string, number>;
  readonly seatsHighest: number;
}

const QUEUING = { queues: 64, handSize: 6, queueLengthLimit: 50 };
/** A refused request comes back after so long. */
const BACK_MS = 20;

/** Lets clients that send the next request when the last one is answered load a level for so long. */
function simulate(
  settings: LevelSettings,
  loads: readonly Load[],
  { seed, forMs }: { seed: number; forMs: number },
): Outcome {
  const random = seededRandom(seed).fraction;
  const timers: { readonly atMs: number; readonly run: () => void }[] = [];
  const had = new Map<string, number>();
  const done = new Map<string, number>();
  const refused = new Map<string, number>();
  const add = (map: Map<string, number>, key: string, by: number) =>
    map.set(key, (map.get(key) ?? 0) + by);
  let nowMs = 0;
  let seatsHighest = 0;
  const after = (delayMs: number, run: () => void) => timers.push({ atMs: nowMs + delayMs, run });
  const begin = (ticket: Running): void => {
    seatsHighest = Math.max(seatsHighest, level.seatsInUse);
    const lengthMs = ticket.load.lengthMs(random);
    after(lengthMs, () => {
      add(had, ticket.flow, ticket.seats * lengthMs);
      add(done, ticket.flow, 1);
      level.leave(ticket, nowMs);
      send(ticket.load);
    });
  };
  const level = new Level<Running>(settings, 0, begin);
  const send = (load: Load): void => {
    const { flow, seats } = load;
    const ticket: Running = { flow, seats, bytes: 0, queue: -1, startMs: 0, load };
    const entry = level.enter(ticket, nowMs);
    if (entry === "starts") begin(ticket);
    if (entry !== "refused") return;
    add(refused, flow, 1);
    after(BACK_MS, () => send(load));
  };
  for (const load of loads) for (let each = 0; each < load.parallel; each++) send(load);
  for (;;) {
    timers.sort((a, b) => b.atMs - a.atMs);
    const next = timers.pop();
    if (next === undefined || next.atMs > forMs) break;
    nowMs = next.atMs;
    next.run();
  }
  return { had, done, refused, seatsHighest };
}

const short: Load["lengthMs"] = (random) => 1 + 4 * random();

test("two flows have equal seats, however unequal their load", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seededRandom(seed).fraction;
    const few = 12 + Math.floor(10 * random());
    const many = few + Math.floor(250 * random());
    const limit = 2 + Math.floor(6 * random());
    const long = (given: () => number): number => (1 + 4 * given()) * 8;
    const loads = [
      { flow: "few", parallel: few, seats: 1, lengthMs: short },
      { flow: "many", parallel: many, seats: 1, lengthMs: seed % 2 === 0 ? short : long },
    ];
    const { had, refused } = simulate({ limit, queuing: QUEUING }, loads, { seed, forMs: 5000 });
    const share = (had.get("few") ?? 0) / ((had.get("few") ?? 0) + (had.get("many") ?? 0));
    // A request's overhead is charged, too, so the flow of long ones has a little more time in its seats.
    assert.ok(Math.abs(share - 0.5) < 0.1, `seed ${seed}: the small flow had ${share}`);
    assert.equal(refused.get("few"), undefined, `seed ${seed}`);
  }
});

test("a flow that needs less than its share gets all that it needs", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const loads = [
      { flow: "one", parallel: 1, seats: 1, lengthMs: short },
      { flow: "many", parallel: 300, seats: 1, lengthMs: short },
    ];
    const { done } = simulate({ limit: 4, queuing: QUEUING }, loads, { seed, forMs: 5000 });
    // Its requests take 3 ms; each waits for one of four seats, whose holders take as long.
    assert.ok((done.get("one") ?? 0) > 5000 / (3 + 3), `seed ${seed}: ${done.get("one")}`);
  }
});

test("nobody starves: not many flows beside a large one, nor wide requests among narrow ones", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const small = Array.from({ length: 20 }, (_, at) => ({
      flow: `small-${at}`,
      parallel: 1,
      seats: 1,
      lengthMs: short,
    }));
    const large = { flow: "large", parallel: 200, seats: 1, lengthMs: short };
    const wide = { flow: "wide", parallel: 2, seats: 5, lengthMs: short };
    const settings = { limit: 8, queuing: QUEUING };
    const { done, seatsHighest } = simulate(settings, [large, wide, ...small], {
      seed,
      forMs: 5000,
    });
    for (const { flow } of small)
      assert.ok((done.get(flow) ?? 0) > 100, `seed ${seed}: ${flow} ${done.get(flow)}`);
    assert.ok((done.get("wide") ?? 0) > 20, `seed ${seed}: wide ${done.get("wide")}`);
    assert.ok((done.get("large") ?? 0) > 100, `seed ${seed}: large ${done.get("large")}`);
    assert.ok(seatsHighest <= 8, `seed ${seed}: ${seatsHighest} seats`);
  }
});

test("a level never has more seats in use than its limit, and uses all while somebody waits", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seededRandom(seed).fraction;
    const limit = 5 + Math.floor(20 * random());
    const loads = Array.from({ length: 6 }, (_, at) => ({
      flow: `f${at}`,
      parallel: 1 + Math.floor(60 * random()),
      seats: 1 + Math.floor(4 * random()),
      lengthMs: short,
    }));
    const { had, seatsHighest } = simulate({ limit, queuing: QUEUING }, loads, {
      seed,
      forMs: 2000,
    });
    assert.ok(seatsHighest <= limit, `seed ${seed}: ${seatsHighest} of ${limit}`);
    const asked = loads.reduce((sum, { parallel, seats }) => sum + parallel * seats, 0);
    const used = [...had.values()].reduce((sum, each) => sum + each, 0) / 2000;
    // A wide one at the head leaves up to three seats empty.
    const most = Math.min(asked, limit - 3);
    assert.ok(used > 0.85 * most, `seed ${seed}: ${used} of ${most}`);
  }
});

function ticket(flow: string, seats = 1, bytes = 0): Ticket {
  return { flow, seats, bytes, queue: -1, startMs: 0 };
}

test("without queues whoever finds no seat is refused; with free seats nobody waits", () => {
  const level = new Level<Ticket>({ limit: 2 }, 0, () => {});
  const first = ticket("a");
  assert.equal(level.enter(first, 0), "starts");
  assert.equal(level.enter(ticket("a"), 0), "starts");
  assert.equal(level.enter(ticket("b"), 0), "refused");
  level.leave(first, 1);
  assert.equal(level.enter(ticket("b"), 1), "starts");
});

test("a flow fills its own hand of queues and no more; others find room", () => {
  const level = new Level<Ticket>({ limit: 1, queuing: QUEUING }, 0, () => {});
  level.enter(ticket("a"), 0);
  let waiting = 0;
  while (level.enter(ticket("a"), 0) === "waits") waiting++;
  assert.equal(waiting, QUEUING.handSize * QUEUING.queueLengthLimit);
  assert.equal(level.queueLengths.size, QUEUING.handSize);
  assert.equal(level.enter(ticket("b"), 0), "waits");
});

test("what waits is bounded in bytes as well", () => {
  const level = new Level<Ticket>({ limit: 1, queuing: QUEUING }, 0, () => {});
  level.enter(ticket("a"), 0);
  const large = 100 * 1024 * 1024;
  const first = ticket("a", 1, large);
  assert.equal(level.enter(first, 0), "waits");
  assert.equal(level.enter(ticket("b", 1, large), 0), "refused");
  assert.equal(level.enter(ticket("b", 1, 100), 0), "waits");
  assert.equal(level.giveUp(first, 1), true);
  assert.equal(level.enter(ticket("b", 1, large), 1), "waits");
});

test("one that gives up leaves its place, and lets those behind it go on", () => {
  const started: Ticket[] = [];
  const level = new Level<Ticket>({ limit: 2, queuing: QUEUING }, 0, (each) => started.push(each));
  const holder = ticket("a");
  level.enter(holder, 0);
  const wide = ticket("b", 2);
  const narrow = ticket("b");
  assert.equal(level.enter(wide, 0), "waits");
  assert.equal(level.enter(narrow, 0), "waits");
  assert.deepEqual(started, []);
  assert.equal(level.giveUp(wide, 1), true);
  assert.equal(level.giveUp(wide, 1), false);
  assert.deepEqual(started, [narrow]);
  assert.equal(level.waiting, 0);
});

test("one that is wider than the level has it for itself; without a seat nobody begins", () => {
  const level = new Level<Ticket>({ limit: 2, queuing: QUEUING }, 0, () => {});
  const wide = ticket("a", 5);
  assert.equal(level.enter(wide, 0), "starts");
  assert.equal(level.enter(ticket("b"), 0), "waits");
  const none = new Level<Ticket>({ limit: 0, queuing: QUEUING }, 0, () => {});
  const waiting = ticket("a");
  assert.equal(none.enter(waiting, 0), "waits");
  none.configure({ limit: 1, queuing: QUEUING }, 1);
  assert.equal(none.seatsInUse, 1);
});
