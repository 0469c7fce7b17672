/** Whole numbers from 0 on as Kubernetes writes the indexes of a Job: `1,3-5,7`. Kept as intervals, for there may be 100,000. */

interface Interval {
  readonly first: number;
  readonly last: number;
}

/** The text is no list of indexes. */
export class IndexSetError extends Error {
  override readonly name = "IndexSetError";
}

const PART = /^(\d{1,10})(?:-(\d{1,10}))?$/;

export class IndexSet {
  static readonly EMPTY = new IndexSet([]);
  /** In order, and none touches another. */
  readonly #intervals: readonly Interval[];

  private constructor(intervals: readonly Interval[]) {
    this.#intervals = intervals;
  }

  /** "" is the empty set. Throws `IndexSetError` for what is malformed or not in order. */
  static parse(text: string): IndexSet {
    if (text === "") return IndexSet.EMPTY;
    const intervals: Interval[] = [];
    for (const part of text.split(",")) {
      const [, from = "", to = from] = PART.exec(part) ?? [];
      if (from === "")
        throw new IndexSetError(`${JSON.stringify(part)} is neither an index nor a range a-b`);
      const [first, last] = [Number(from), Number(to)];
      const before = intervals.at(-1)?.last ?? -1;
      if (first > last || first <= before)
        throw new IndexSetError(`${JSON.stringify(part)} is not in ascending order`);
      append(intervals, { first, last });
    }
    return new IndexSet(intervals);
  }

  get size(): number {
    return this.#intervals.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  }

  has(index: number): boolean {
    return this.lastFrom(index) !== undefined;
  }

  /** The last of the run of neighbours that an index is in; undefined for one that is not in the set. */
  lastFrom(index: number): number | undefined {
    let low = 0;
    let high = this.#intervals.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const { first, last } = this.#intervals[middle] as Interval;
      if (index < first) high = middle - 1;
      else if (index > last) low = middle + 1;
      else return last;
    }
    return undefined;
  }

  with(indexes: Iterable<number>): IndexSet {
    const added = [...indexes].filter((index) => !this.has(index));
    if (added.length === 0) return this;
    const all = [...this.#intervals, ...added.map((index) => ({ first: index, last: index }))];
    const merged: Interval[] = [];
    for (const each of all.toSorted((a, b) => a.first - b.first)) append(merged, each);
    return new IndexSet(merged);
  }

  /** Those smaller than a bound. */
  below(bound: number): IndexSet {
    const within = this.#intervals
      .filter(({ first }) => first < bound)
      .map(({ first, last }) => ({ first, last: Math.min(last, bound - 1) }));
    return new IndexSet(within);
  }

  /** How many of these are also in the other set. */
  sizeWithin(other: IndexSet): number {
    let sum = 0;
    for (const mine of this.#intervals) {
      for (const its of other.#intervals) {
        const last = Math.min(mine.last, its.last);
        sum += Math.max(0, last - Math.max(mine.first, its.first) + 1);
      }
    }
    return sum;
  }

  get largest(): number | undefined {
    return this.#intervals.at(-1)?.last;
  }

  /** What `parse` reads; two neighbours are written as two numbers. */
  toString(): string {
    return this.#intervals
      .map(({ first, last }) => {
        if (first === last) return String(first);
        return `${first}${last === first + 1 ? "," : "-"}${last}`;
      })
      .join(",");
  }
}

function append(intervals: Interval[], next: Interval): void {
  const before = intervals.at(-1);
  if (before !== undefined && next.first <= before.last + 1) {
    intervals[intervals.length - 1] = {
      first: before.first,
      last: Math.max(before.last, next.last),
    };
  } else {
    intervals.push(next);
  }
}
