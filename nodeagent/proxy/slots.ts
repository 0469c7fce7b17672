/**
 * The places of endpoints, numbered from 0 without gaps, so that a random number finds one. Who stays keeps its place
 * if it can: the last ones fill the gaps of those who left, and newcomers come last. So one change of a service costs
 * at most two elements, however many endpoints it has.
 */
export function assignSlots(before: readonly string[], wanted: readonly string[]): string[] {
  const missing = new Set(wanted);
  const size = missing.size;
  const places: (string | undefined)[] = new Array(size).fill(undefined);
  const displaced: string[] = [];
  for (const [slot, who] of before.entries()) {
    if (!missing.delete(who)) continue;
    if (slot < size) places[slot] = who;
    else displaced.push(who);
  }
  const waiting = [...displaced, ...missing];
  let next = 0;
  return places.map((who) => who ?? waiting[next++] ?? "");
}
