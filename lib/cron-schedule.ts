/**
 * Schedules as CronJobs write them. Kubernetes reads them with robfig/cron's standard parser, https://pkg.go.dev/github.com/robfig/cron/v3:
 * five fields, names of months and days, `*`, `?`, lists, ranges, steps, and words like `@hourly` or `@every 90m`. Croner
 * finds the times; what it understands beyond that is refused. A time that a clock change leaves out is left out.
 */
import { Cron } from "croner";

export interface CronSchedule {
  /** The first time after this one; undefined for a day that never comes. */
  nextMs(afterMs: number): number | undefined;
  /** The last time after `afterMs` and not after `untilMs`. */
  lastMs(afterMs: number, untilMs: number): number | undefined;
}

/** The text is no schedule. */
export class ScheduleError extends Error {
  override readonly name = "ScheduleError";
}

interface FieldForm {
  readonly name: string;
  readonly max: number;
  readonly names?: readonly string[];
}

const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const FIELDS: readonly FieldForm[] = [
  { name: "minute", max: 59 },
  { name: "hour", max: 23 },
  { name: "day of month", max: 31 },
  { name: "month", max: 12, names: MONTHS },
  { name: "day of week", max: 6, names: DAYS },
];
const WORDS: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};
/** Times in a row that a clock change may leave out: those of one hour, minute by minute. */
const SKIPPED_MAX = 120;

/** Throws `ScheduleError`. The time zone is one that `timeZoneProblem` has nothing against. */
export function parseSchedule(text: string, timeZone = "UTC"): CronSchedule {
  if (text.startsWith("@every ")) return everySchedule(text.slice("@every ".length));
  const pattern = WORDS[text.toLowerCase()] ?? text;
  if (pattern.startsWith("@")) throw new ScheduleError(`unrecognized descriptor: ${text}`);
  return cronSchedule(normalized(pattern), timeZone);
}

/** IANA's names only: an offset or "Local" would mean something else elsewhere, or later. */
export function timeZoneProblem(name: string): string | undefined {
  if (name === "") return "timeZone must be nil or non-empty string";
  if (name.toLowerCase() === "local")
    return "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
  return /^[A-Za-z]/.test(name) && isKnownZone(name) ? undefined : `unknown time zone ${name}`;
}

function isKnownZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone });
    return true;
  } catch {
    // The only error there is: no such zone.
    return false;
  }
}

/** Checked, and with `5/10` as `5-59/10`. */
function normalized(pattern: string): string {
  const fields = pattern.trim().split(/\s+/);
  if (fields.length !== FIELDS.length || pattern.trim() === "") {
    const found = pattern.trim() === "" ? 0 : fields.length;
    throw new ScheduleError(`expected exactly 5 fields, found ${found}: [${pattern.trim()}]`);
  }
  return fields.map((field, at) => normalizedField(field, FIELDS[at] as FieldForm)).join(" ");
}

const STAR = /^[*?](\/\d+)?$/;
const RANGE = /^([A-Za-z0-9]+)(?:-([A-Za-z0-9]+))?(\/\d+)?$/;

function normalizedField(field: string, form: FieldForm): string {
  const parts = field.split(",").map((part) => {
    if (STAR.test(part)) return part;
    const [, first, last, step = ""] = RANGE.exec(part) ?? [];
    if (first === undefined)
      throw new ScheduleError(`failed to parse ${form.name}: ${JSON.stringify(part)}`);
    const from = numberIn(first, form);
    if (last !== undefined) return `${from}-${numberIn(last, form)}${step}`;
    return step === "" ? String(from) : `${from}-${form.max}${step}`;
  });
  return parts.join(",");
}

function numberIn(text: string, { max, name, names = [] }: FieldForm): number {
  const at = names.indexOf(text.toUpperCase());
  if (at !== -1) return names === MONTHS ? at + 1 : at;
  if (!/^\d{1,4}$/.test(text))
    throw new ScheduleError(`failed to parse ${name}: ${JSON.stringify(text)} is no number`);
  if (Number(text) > max)
    throw new ScheduleError(`end of range (${text}) above maximum (${max}) of ${name}`);
  return Number(text);
}

function cronSchedule(pattern: string, timezone: string): CronSchedule {
  const cron = parsed(pattern, timezone);
  /** Where the wall clock jumps, croner moves a time; a time it names then does not match. */
  const firstThatMatches = (from: number, step: (at: Date) => Date | null | undefined) => {
    let at: Date | null | undefined = new Date(from);
    for (let tries = 0; tries < SKIPPED_MAX; tries++) {
      at = step(at);
      if (!at) return undefined;
      if (cron.match(at)) return at.getTime();
    }
    return undefined;
  };
  return {
    nextMs: (afterMs) => firstThatMatches(afterMs, (at) => cron.nextRun(at)),
    lastMs(afterMs, untilMs) {
      const found = firstThatMatches(untilMs + 1, (at) => cron.previousRuns(1, at)[0]);
      return found !== undefined && found > afterMs ? found : undefined;
    },
  };
}

function parsed(pattern: string, timezone: string): Cron {
  try {
    return new Cron(pattern, { timezone, mode: "5-part", paused: true });
  } catch (error) {
    throw new ScheduleError(error instanceof Error ? error.message : String(error));
  }
}

const UNITS_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** Counted from where one begins to look; whole seconds, one at least. */
function everySchedule(text: string): CronSchedule {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text)
    throw new ScheduleError(`failed to parse duration @every ${text}`);
  const ms = parts.reduce(
    (sum, [, count, unit]) => sum + Number(count) * (UNITS_MS[unit ?? ""] ?? 0),
    0,
  );
  const everyMs = Math.max(1000, Math.floor(ms / 1000) * 1000);
  const startOf = (afterMs: number): number => Math.floor(afterMs / 1000) * 1000;
  return {
    nextMs: (afterMs) => startOf(afterMs) + everyMs,
    lastMs(afterMs, untilMs) {
      const count = Math.floor((untilMs - startOf(afterMs)) / everyMs);
      return count > 0 ? startOf(afterMs) + count * everyMs : undefined;
    },
  };
}
