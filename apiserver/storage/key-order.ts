/**
 * The order of keys is that of their UTF-8 bytes. JavaScript compares UTF-16 units, which differs in one place: a
 * surrogate (a character beyond U+FFFF) sorts below U+E000…U+FFFF there, above them here.
 */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const unitA = a.charCodeAt(i);
    const unitB = b.charCodeAt(i);
    if (unitA !== unitB) return rank(unitA) - rank(unitB);
  }
  return a.length - b.length;
}

/** The index of the first key that is not below `start`. */
export function lowerBound<T>(
  sorted: readonly T[],
  start: string,
  keyOf: (item: T) => string,
): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = sorted[middle];
    if (item !== undefined && compareKeys(keyOf(item), start) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** Where a range of the keys below a prefix starts. */
export function startOf(prefix: string, startKey: string | undefined): string {
  return startKey === undefined || compareKeys(startKey, prefix) < 0 ? prefix : startKey;
}
