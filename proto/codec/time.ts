/** Times as Kubernetes writes them: RFC 3339 in UTC, in whole seconds or with six decimals. */

/** Length of `2026-11-24T12:00:00Z`. */
const PLAIN_LENGTH = 20;
const DIGITS_OF_PLAIN = [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18] as const;
const RFC3339 = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)$/;

/** The text in UTC and whole seconds, or undefined if it is no time. */
export function canonicalTime(text: string): string | undefined {
  if (isPlain(text)) return text;
  const parts = parse(text);
  return parts === undefined ? undefined : `${isoSeconds(parts.seconds)}Z`;
}

export function canonicalMicroTime(text: string): string | undefined {
  const parts = parse(text);
  return parts === undefined ? undefined : microTimeText(parts.seconds, parts.nanos);
}

export function timeText(seconds: number): string {
  return `${isoSeconds(seconds)}Z`;
}

export function microTimeText(seconds: number, nanos: number): string {
  return `${isoSeconds(seconds)}.${String(Math.floor(nanos / 1000)).padStart(6, "0")}Z`;
}

/** Of a text that was checked before. */
export function secondsOf(text: string): number {
  return Date.parse(`${text.slice(0, 19)}Z`) / 1000;
}

/** Of a canonical MicroTime. */
export function microNanosOf(text: string): number {
  return Number(text.slice(20, 26)) * 1000;
}

function parse(text: string): { seconds: number; nanos: number } | undefined {
  const match = RFC3339.exec(text);
  if (match === null) return undefined;
  const [, date = "", clock = "", fraction = "", zone = ""] = match;
  const millis = Date.parse(`${date}T${clock}${zone.toUpperCase()}`);
  if (Number.isNaN(millis)) return undefined;
  return { seconds: millis / 1000, nanos: Number(fraction.padEnd(9, "0")) };
}

/** Without a regular expression, since every object has several times. */
function isPlain(text: string): boolean {
  if (text.length !== PLAIN_LENGTH || text.charCodeAt(19) !== 90 || text.charCodeAt(10) !== 84) {
    return false;
  }
  for (const at of DIGITS_OF_PLAIN) {
    const code = text.charCodeAt(at);
    if (code < 48 || code > 57) return false;
  }
  return text[4] === "-" && text[7] === "-" && text[13] === ":" && !Number.isNaN(Date.parse(text));
}

function isoSeconds(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19);
}

const NANOS_PER_UNIT: ReadonlyMap<string, number> = new Map([
  ["ns", 1],
  ["us", 1_000],
  ["µs", 1_000],
  ["ms", 1_000_000],
  ["s", 1_000_000_000],
  ["m", 60_000_000_000],
  ["h", 3_600_000_000_000],
]);

/** Nanoseconds of Go's `1h30m`, or undefined. Exact up to about a hundred days. */
export function durationNanos(text: string): number | undefined {
  const match = /^([+-]?)((?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+|0)$/.exec(text);
  if (match === null) return undefined;
  let sum = 0;
  for (const [, number, unit = ""] of (match[2] ?? "").matchAll(/(\d+(?:\.\d*)?)([a-zµ]+)/g)) {
    sum += Number(number) * (NANOS_PER_UNIT.get(unit) ?? 0);
  }
  return match[1] === "-" ? -sum : sum;
}

/** As Go prints a duration: `1h30m0s`, `1.5s`, `20ms`. */
export function durationText(nanos: number): string {
  if (nanos === 0) return "0s";
  if (nanos < 0) return `-${durationText(-nanos)}`;
  if (nanos < 1_000) return `${nanos}ns`;
  if (nanos < 1_000_000) return `${nanos / 1_000}µs`;
  if (nanos < 1_000_000_000) return `${nanos / 1_000_000}ms`;
  const seconds = nanos / 1_000_000_000;
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const rest = `${Number((seconds % 60).toFixed(9))}s`;
  if (hours > 0) return `${hours}h${minutes}m${rest}`;
  return minutes > 0 ? `${minutes}m${rest}` : rest;
}
