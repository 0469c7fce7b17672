import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "#lib/testing/virtual-clock";
import { configurationOf } from "./configuration.ts";
import { DEFAULT_LEVELS } from "./default-objects.ts";
import { Demand } from "./demand.ts";
import { adjustedLimits, boundsOf, firstLimit, type LevelShares, widthLimit } from "./limits.ts";

/** The default levels, with their names. */
function defaults() {
  const objects = DEFAULT_LEVELS.map(({ name, spec }) => ({ metadata: { name }, spec }));
  return configurationOf([], objects as never).levels;
}

test("the default levels have Kubernetes' seats of 600", () => {
  const levels = defaults();
  const seats = Object.fromEntries(
    boundsOf(levels, 600).map(({ least, nominal }, at) => [levels[at]?.name, [nominal, least]]),
  );
  assert.deepEqual(seats, {
    exempt: [0, 0],
    "catch-all": [13, 13],
    system: [74, 50],
    "node-high": [98, 73],
    "leader-election": [25, 25],
    "workload-high": [98, 49],
    "workload-low": [245, 24],
    "global-default": [49, 24],
  });
});

function level(shares: number, fields: Partial<LevelShares> = {}): LevelShares {
  return { isExempt: false, shares, lendablePercent: 0, ...fields };
}

interface Case {
  readonly what: string;
  readonly levels: readonly LevelShares[];
  /** Of the period, each level's highest and smoothed demand. */
  readonly demand: readonly number[];
  readonly limits: readonly number[];
}

const CASES: readonly Case[] = [
  { what: "nothing lent", levels: [level(1), level(1)], demand: [100, 0], limits: [50, 50] },
  {
    what: "one lends all that it does not need",
    levels: [level(1), level(1, { lendablePercent: 80 })],
    demand: [100, 0],
    limits: [90, 10],
  },
  {
    what: "who lends has its own back when it needs it",
    levels: [level(1), level(1, { lendablePercent: 80 })],
    demand: [100, 60],
    limits: [50, 50],
  },
  {
    what: "borrowing is bounded",
    levels: [
      level(1, { borrowingLimitPercent: 20 }),
      level(1, { lendablePercent: 80 }),
      level(2, { lendablePercent: 100 }),
    ],
    demand: [100, 0, 0],
    limits: [30, 70, 0],
  },
  {
    what: "the exempt level takes what it uses from those who lend",
    levels: [
      level(0, { isExempt: true }),
      level(1, { lendablePercent: 50 }),
      level(1, { lendablePercent: 50 }),
    ],
    demand: [20, 50, 50],
    limits: [20, 40, 40],
  },
  {
    what: "the exempt level lends, too",
    levels: [level(1, { isExempt: true, lendablePercent: 100 }), level(1)],
    demand: [0, 100],
    limits: [0, 100],
  },
];

test("seats go from those who lend to those who ask", () => {
  for (const { demand, levels, limits, what } of CASES) {
    const bounds = boundsOf(levels, 100);
    const asking = bounds.map((each, at) => {
      const highest = demand[at] ?? 0;
      return { bounds: each, demand: { highest, smoothed: highest } };
    });
    assert.deepEqual(adjustedLimits(asking), limits, what);
  }
});

test("whatever is asked for, limits stay within bounds and give out what there is", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = seededRandom(seed).fraction;
    const whole = (most: number): number => Math.floor(most * random());
    const levels = Array.from({ length: 1 + whole(8) }, () =>
      level(1 + whole(100), {
        lendablePercent: whole(101),
        ...(random() < 0.5 ? { borrowingLimitPercent: whole(300) } : {}),
      }),
    );
    const bounds = boundsOf(levels, 600);
    const asking = bounds.map((each) => {
      const highest = whole(1000);
      return { bounds: each, demand: { highest, smoothed: highest * random() } };
    });
    const limits = adjustedLimits(asking);
    limits.forEach((limit, at) => {
      const { least = 0, most = 0, nominal = 0 } = bounds[at] ?? {};
      assert.ok(limit >= least && limit <= most, `seed ${seed}: ${limit} of ${least}..${most}`);
      const highest = asking[at]?.demand.highest ?? 0;
      assert.ok(limit >= Math.min(nominal, highest), `seed ${seed}: has less than its own`);
    });
    const total = bounds.reduce((sum, { nominal }) => sum + nominal, 0);
    const most = bounds.reduce((sum, each) => sum + each.most, 0);
    const given = limits.reduce((sum, limit) => sum + limit, 0);
    // Each is rounded by itself.
    assert.ok(given <= total + levels.length, `seed ${seed}: ${given} of ${total}`);
    assert.ok(given >= Math.min(total, most) - levels.length, `seed ${seed}: ${given} of ${total}`);
  }
});

test("a level begins with half of what it lends lent", () => {
  const [bounds] = boundsOf([level(1, { lendablePercent: 50 })], 100);
  assert.equal(bounds && firstLimit(bounds), 75);
});

test("one request is at most a part of its level wide", () => {
  assert.equal(widthLimit(49, 6), 8);
  assert.equal(widthLimit(245, 6), 37);
  assert.equal(widthLimit(3, 8), 1);
  assert.equal(widthLimit(13, undefined), Number.POSITIVE_INFINITY);
});

test("demand comes up at once and goes down in minutes", () => {
  const demand = new Demand(10_000, 0);
  demand.change(40, 0);
  assert.deepEqual(demand.collect(10_000), { highest: 40, smoothed: 40 });
  demand.change(-40, 10_000);
  const after = demand.collect(20_000);
  assert.equal(after.highest, 40);
  assert.ok(after.smoothed > 39 && after.smoothed < 40, `${after.smoothed}`);
  // Half is gone after five minutes, asked for once or thirty times.
  const later = demand.collect(320_000);
  assert.ok(Math.abs(later.smoothed - 20) < 1, `${later.smoothed}`);
  assert.equal(later.highest, 0);
});
