/** How long a request may take: as long as it says itself, and never longer than the server lets any. */
import { StatusError } from "#lib/status-error";

/** kube-apiserver's default for all that is not a stream. */
export const REQUEST_MS_MAX = 60_000;

const UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const DURATION = /^[+-]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/;
const PARTS = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;

/** From `?timeout=`, which is a duration as Go writes it. Zero and less ask for nothing. Throws BadRequest. */
export function timeLimitMs(query: URLSearchParams): number {
  const given = query.get("timeout");
  if (given === null || given === "") return REQUEST_MS_MAX;
  if (!DURATION.test(given)) {
    const example = "a number with a unit, as 30s, 1m30s or 500ms";
    throw new StatusError("BadRequest", `query parameter timeout must be ${example}: "${given}"`);
  }
  let milliseconds = 0;
  for (const [, number, unit = ""] of given.matchAll(PARTS))
    milliseconds += Number(number) * (UNITS_MS[unit] ?? 0);
  const asksNothing = given.startsWith("-") || milliseconds === 0;
  return asksNothing ? REQUEST_MS_MAX : Math.min(milliseconds, REQUEST_MS_MAX);
}
