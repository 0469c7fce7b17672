import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { HorizontalPodAutoscaler, HPAScalingRules } from "#proto/autoscaling/v2";
import {
  behaviorOf,
  type History,
  isTolerated,
  limited,
  NO_HISTORY,
  remembered,
  stabilized,
} from "./behavior.ts";

const NOW_MS = 1_000_000;

interface Rules {
  readonly scaleUp?: HPAScalingRules;
  readonly scaleDown?: HPAScalingRules;
}

function rules(behavior?: Rules) {
  return behaviorOf({ spec: { behavior } } as unknown as HorizontalPodAutoscaler);
}

/** `wishes` and `changes` as seconds ago and number. */
function history(
  wishes: readonly [number, number][],
  changes: readonly [number, number][] = [],
): History {
  return {
    wishes: wishes.map(([ago, replicas]) => ({ atMs: NOW_MS - ago * 1000, replicas })),
    changes: changes.map(([ago, by]) => ({ atMs: NOW_MS - ago * 1000, by })),
  };
}

const pods = (value: number, periodSeconds = 60) => ({ type: "Pods", value, periodSeconds });
const percent = (value: number, periodSeconds = 60) => ({ type: "Percent", value, periodSeconds });

interface Limit {
  readonly what: string;
  readonly behavior?: Rules;
  readonly current: number;
  readonly wanted: number;
  readonly changes?: readonly [ago: number, by: number][];
  readonly gets: number;
  readonly reason: string;
}

const LIMITS: readonly Limit[] = [
  { what: "within range", current: 2, wanted: 4, gets: 4, reason: "DesiredWithinRange" },
  { what: "four more at first", current: 1, wanted: 20, gets: 5, reason: "ScaleUpLimit" },
  { what: "then twice as many", current: 10, wanted: 40, gets: 20, reason: "ScaleUpLimit" },
  { what: "no more than the most", current: 40, wanted: 90, gets: 50, reason: "TooManyReplicas" },
  { what: "all but the least at once", current: 50, wanted: 1, gets: 2, reason: "TooFewReplicas" },
  {
    what: "what was added lately counts",
    ...{ current: 5, wanted: 20, changes: [[10, 4]], gets: 5, reason: "ScaleUpLimit" },
  },
  {
    what: "what was added before does not",
    ...{ current: 5, wanted: 20, changes: [[16, 4]], gets: 10, reason: "ScaleUpLimit" },
  },
  {
    what: "what was taken away lately may come back",
    ...{ current: 5, wanted: 50, changes: [[10, -20]], gets: 50, reason: "DesiredWithinRange" },
  },
  {
    what: "the smallest of policies",
    behavior: { scaleUp: { selectPolicy: "Min", policies: [pods(3), percent(10)] } },
    ...{ current: 10, wanted: 40, gets: 11, reason: "ScaleUpLimit" },
  },
  {
    what: "a percentage rounds up when growing",
    behavior: { scaleUp: { policies: [percent(10)] } },
    ...{ current: 1, wanted: 9, gets: 2, reason: "ScaleUpLimit" },
  },
  {
    what: "no growth when disabled",
    behavior: { scaleUp: { selectPolicy: "Disabled" } },
    ...{ current: 3, wanted: 9, gets: 3, reason: "ScaleUpLimit" },
  },
  {
    what: "one less a minute",
    behavior: { scaleDown: { policies: [pods(1)] } },
    ...{ current: 9, wanted: 3, gets: 8, reason: "ScaleDownLimit" },
  },
  {
    what: "the greatest change when shrinking",
    behavior: { scaleDown: { policies: [pods(1), percent(50)] } },
    ...{ current: 9, wanted: 3, gets: 4, reason: "ScaleDownLimit" },
  },
  {
    what: "the smallest change when shrinking",
    behavior: { scaleDown: { selectPolicy: "Min", policies: [pods(1), percent(50)] } },
    ...{ current: 9, wanted: 3, gets: 8, reason: "ScaleDownLimit" },
  },
  {
    what: "no shrinking when disabled",
    behavior: { scaleDown: { selectPolicy: "Disabled" } },
    ...{ current: 9, wanted: 3, gets: 9, reason: "ScaleDownLimit" },
  },
  {
    what: "what was taken away lately counts",
    behavior: { scaleDown: { policies: [pods(2)] } },
    ...{ current: 9, wanted: 3, changes: [[30, -1]], gets: 8, reason: "ScaleDownLimit" },
  },
];
for (const { behavior, changes = [], current, gets, reason, wanted, what } of LIMITS) {
  test(`limited(): ${what}`, () => {
    const step = { current, wanted, least: 2, most: 50 };
    const found = limited(step, rules(behavior), history([], changes), NOW_MS);
    assert.deepEqual([found.replicas, found.reason], [gets, reason]);
  });
}

interface Steady {
  readonly what: string;
  readonly behavior?: Rules;
  readonly current: number;
  readonly wanted: number;
  readonly wishes: readonly [ago: number, replicas: number][];
  readonly gets: number;
  readonly reason: string;
}

const UP_WINDOW = { scaleUp: { stabilizationWindowSeconds: 60 } };
const STEADY: readonly Steady[] = [
  {
    what: "grows at once",
    current: 2,
    wanted: 5,
    wishes: [[10, 2]],
    gets: 5,
    reason: "ReadyForNewScale",
  },
  {
    what: "does not shrink below a late wish",
    current: 5,
    wanted: 1,
    wishes: [[200, 4]],
    gets: 4,
    reason: "ScaleDownStabilized",
  },
  {
    what: "forgets wishes of five minutes ago",
    current: 5,
    wanted: 1,
    wishes: [[301, 4]],
    gets: 1,
    reason: "ReadyForNewScale",
  },
  {
    what: "waits to grow, if it is to",
    behavior: UP_WINDOW,
    current: 2,
    wanted: 9,
    wishes: [[30, 4]],
    gets: 4,
    reason: "ScaleUpStabilized",
  },
  {
    what: "shrinks at once, if it is to",
    behavior: { scaleDown: { stabilizationWindowSeconds: 0 } },
    current: 5,
    wanted: 1,
    wishes: [[0, 5]],
    gets: 1,
    reason: "ReadyForNewScale",
  },
  {
    what: "stays between",
    behavior: UP_WINDOW,
    current: 3,
    wanted: 9,
    wishes: [[30, 1]],
    gets: 3,
    reason: "ScaleUpStabilized",
  },
];
for (const { behavior, current, gets, reason, wanted, what, wishes } of STEADY) {
  test(`stabilized() ${what}`, () => {
    const step = { current, wanted, least: 1, most: 50 };
    const found = stabilized(step, rules(behavior), history(wishes), NOW_MS);
    assert.deepEqual([found.replicas, found.reason], [gets, reason]);
  });
}

test("isTolerated() has a share for each direction", () => {
  const own = rules({ scaleUp: { tolerance: "500m" }, scaleDown: { tolerance: "0" } });
  const ratios = [0.99, 1, 1.4, 1.6];
  assert.deepEqual(
    ratios.map((ratio) => isTolerated(own, ratio)),
    [false, true, true, false],
  );
  assert.deepEqual(
    [0.89, 0.91, 1.09, 1.11].map((ratio) => isTolerated(rules(), ratio)),
    [false, true, true, false],
  );
});

test("remembered() keeps what windows and periods look at, and no more", () => {
  const before = history(
    [
      [299, 3],
      [301, 4],
    ],
    [
      [14, 1],
      [16, 2],
    ],
  );
  const { changes, wishes } = remembered(before, { wish: 7, change: -1 }, rules(), NOW_MS);
  assert.deepEqual(
    wishes.map(({ replicas }) => replicas),
    [3, 7],
  );
  assert.deepEqual(
    changes.map(({ by }) => by),
    [1, -1],
  );
});

test("a step goes towards the wish, never past it, and stays in bounds", () => {
  const number = fc.integer({ min: 2, max: 50 });
  const policies = fc.array(
    fc.record({
      type: fc.constantFrom("Pods", "Percent"),
      value: fc.integer({ min: 1, max: 200 }),
      periodSeconds: fc.integer({ min: 1, max: 1800 }),
    }),
    { minLength: 1, maxLength: 3 },
  );
  const selectPolicy = fc.constantFrom("Max", "Min", "Disabled");
  const one = fc.record({ selectPolicy, policies });
  const changes = fc.array(fc.tuple(fc.nat(2000), fc.integer({ min: -10, max: 10 })), {
    maxLength: 4,
  });
  fc.assert(
    fc.property(number, number, one, one, changes, (current, wanted, scaleUp, scaleDown, past) => {
      const step = { current, wanted, least: 2, most: 50 };
      const found = limited(step, rules({ scaleUp, scaleDown }), history([], past), NOW_MS);
      const [low, high] = [Math.min(current, wanted), Math.max(current, wanted)];
      assert.ok(found.replicas >= low && found.replicas <= high, JSON.stringify(found));
    }),
  );
});

test("stabilized() never leaves what was wanted and what is", () => {
  const number = fc.integer({ min: 1, max: 50 });
  const wishes = fc.array(fc.tuple(fc.nat(400), number), { maxLength: 5 });
  fc.assert(
    fc.property(number, number, wishes, (current, wanted, past) => {
      const found = stabilized(
        { current, wanted, least: 1, most: 50 },
        rules(),
        history(past),
        NOW_MS,
      );
      const all = [current, wanted, ...past.map(([, replicas]) => replicas)];
      assert.ok(found.replicas >= Math.min(...all) && found.replicas <= Math.max(...all));
      if (wanted >= current) assert.ok(found.replicas >= current, "a wish for more takes nothing");
      assert.deepEqual(
        stabilized({ current, wanted, least: 1, most: 50 }, rules(), NO_HISTORY, NOW_MS).replicas,
        wanted,
      );
    }),
  );
});
