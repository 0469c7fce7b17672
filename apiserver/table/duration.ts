/** Durations in as few letters as tell enough: `45s`, `3m20s`, `5h10m`, `12d`. */

const MINUTE = 60;
const HOUR = 3600;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

/** The coarser the longer, with the bounds that kubectl has. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < -1) return "<invalid>";
  if (seconds < 2 * MINUTE) return `${Math.max(seconds, 0)}s`;
  if (seconds < 10 * MINUTE)
    return pair(seconds, { unit: MINUTE, letter: "m" }, { unit: 1, letter: "s" });
  if (seconds < 3 * HOUR) return `${Math.floor(seconds / MINUTE)}m`;
  if (seconds < 8 * HOUR)
    return pair(seconds, { unit: HOUR, letter: "h" }, { unit: MINUTE, letter: "m" });
  if (seconds < 2 * DAY) return `${Math.floor(seconds / HOUR)}h`;
  if (seconds < 8 * DAY)
    return pair(seconds, { unit: DAY, letter: "d" }, { unit: HOUR, letter: "h" });
  if (seconds < 2 * YEAR) return `${Math.floor(seconds / DAY)}d`;
  if (seconds < 8 * YEAR)
    return pair(seconds, { unit: YEAR, letter: "y" }, { unit: DAY, letter: "d" });
  return `${Math.floor(seconds / YEAR)}y`;
}

/** Time since then; `<unknown>` without a time. */
export function age(since: string | null | undefined, nowMs: number): string {
  const then = since ? Date.parse(since) : Number.NaN;
  return Number.isNaN(then) ? "<unknown>" : humanDuration(nowMs - then);
}

interface Unit {
  readonly unit: number;
  readonly letter: string;
}

function pair(seconds: number, large: Unit, small: Unit): string {
  const rest = Math.floor((seconds % large.unit) / small.unit);
  const head = `${Math.floor(seconds / large.unit)}${large.letter}`;
  return rest === 0 ? head : `${head}${rest}${small.letter}`;
}
