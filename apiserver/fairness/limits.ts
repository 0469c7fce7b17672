/**
 * How the server's seats are shared out among the priority levels: by their nominal shares, and then, from period to
 * period, by what each asks for, within what it lends and borrows. Pure. The formulas are those of KEP 1040.
 */
import type { DemandFigures } from "./demand.ts";

export interface LevelShares {
  readonly isExempt: boolean;
  readonly shares: number;
  /** Of its nominal seats, what others may have. */
  readonly lendablePercent: number;
  /** Of its nominal seats, what it may have besides; undefined: as much as there is. */
  readonly borrowingLimitPercent?: number;
}

/** In seats. */
export interface LevelBounds {
  readonly isExempt: boolean;
  readonly nominal: number;
  readonly least: number;
  readonly most: number;
}

/** The most that one request takes of its level: a seventh, so that a wide one does not have to wait for all to end. */
const WIDTH_FRACTION = 0.15;

export function boundsOf(levels: readonly LevelShares[], total: number): readonly LevelBounds[] {
  const sum = levels.reduce((all, { shares }) => all + shares, 0);
  return levels.map(({ borrowingLimitPercent, isExempt, lendablePercent, shares }) => {
    const nominal = sum === 0 ? 0 : Math.ceil((total * shares) / sum);
    const borrowable =
      borrowingLimitPercent === undefined
        ? total
        : Math.round((nominal * borrowingLimitPercent) / 100);
    const least = nominal - Math.round((nominal * lendablePercent) / 100);
    return { isExempt, nominal, least, most: nominal + borrowable };
  });
}

/** Before anything is known of demand: half of what it may lend is lent. */
export function firstLimit({ isExempt, least, nominal }: LevelBounds): number {
  return isExempt ? nominal : nominal - Math.floor((nominal - least) / 2);
}

export interface Asking {
  readonly bounds: LevelBounds;
  readonly demand: DemandFigures;
}

/** The limits for the next period, in the order of the levels. */
export function adjustedLimits(levels: readonly Asking[]): readonly number[] {
  const total = levels.reduce((sum, { bounds }) => sum + bounds.nominal, 0);
  const floors = levels.map(floorOf);
  const exempt = sumOf(levels.map(({ bounds }, at) => (bounds.isExempt ? (floors[at] ?? 0) : 0)));
  const limited = levels.flatMap((level, at) =>
    level.bounds.isExempt ? [] : [{ ...level, floor: floors[at] ?? 0 }],
  );
  const shared = shareOut(limited, total - exempt);
  let next = 0;
  return levels.map(({ bounds }, at) =>
    bounds.isExempt ? (floors[at] ?? 0) : (shared[next++] ?? bounds.least),
  );
}

/** What a level has in any case, as long as there is as much. */
function floorOf({ bounds, demand }: Asking): number {
  const { isExempt, least, nominal } = bounds;
  return Math.max(least, isExempt ? demand.highest : Math.min(nominal, demand.highest));
}

type Floored = Asking & { readonly floor: number };

function shareOut(levels: readonly Floored[], left: number): readonly number[] {
  const least = sumOf(levels.map(({ bounds }) => bounds.least));
  const floors = sumOf(levels.map(({ floor }) => floor));
  if (left <= least) return levels.map(({ bounds }) => bounds.least);
  if (left <= floors) {
    const part = (left - least) / (floors - least);
    return levels.map(({ bounds, floor }) =>
      Math.round(bounds.least + (floor - bounds.least) * part),
    );
  }
  return levels.map(proportional(levels, left)).map(Math.round);
}

/** A target of nothing would make every proportion nothing. */
const TARGET_MIN = 0.001;
/** Halvings after which a proportion is exact to more digits than seats have. */
const HALVINGS = 100;

/** Each its demand times one factor for all, within its bounds, so that the sum is what there is. */
function proportional(levels: readonly Floored[], left: number): (level: Floored) => number {
  const at =
    (factor: number) =>
    ({ bounds, demand, floor }: Floored): number => {
      const target = Math.max(floor, demand.smoothed, TARGET_MIN);
      return Math.min(bounds.most, Math.max(floor, factor * target));
    };
  let low = 0;
  let high = left / TARGET_MIN;
  for (let count = 0; count < HALVINGS; count++) {
    const middle = (low + high) / 2;
    if (sumOf(levels.map(at(middle))) < left) low = middle;
    else high = middle;
  }
  return at(low);
}

/** As Kubernetes bounds it: `handSize` is undefined of a level without queues. */
export function widthLimit(nominal: number, handSize: number | undefined): number {
  if (handSize === undefined) return Number.POSITIVE_INFINITY;
  const part = Math.min(Math.ceil(nominal * WIDTH_FRACTION), Math.floor(nominal / handSize));
  return Math.max(1, part);
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0);
}
