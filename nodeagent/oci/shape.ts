/** Readers that turn parsed JSON into typed values, or say which field is wrong. */

/** The message names the field as a path: `process.args[0]: expected a string, got 7`. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";

  constructor(field: string, problem: string) {
    super(field === "" ? problem : `${field}: ${problem}`);
  }
}

/** `at`: the value's path, for errors. An absent value is undefined. */
export type Reader<T> = (value: unknown, at: string) => T;

const SHOWN_MAX = 60;

function wanted(what: string, value: unknown, at: string): never {
  if (value === undefined) throw new ConfigError(at, `is missing; it is ${what}`);
  const shown = JSON.stringify(value) ?? String(value);
  const short = shown.length > SHOWN_MAX ? `${shown.slice(0, SHOWN_MAX)}…` : shown;
  throw new ConfigError(at, `expected ${what}, got ${short}`);
}

export const text: Reader<string> = (value, at) =>
  typeof value === "string" ? withoutNul(value, at) : wanted("a string", value, at);

/** The kernel would take what comes behind it for nothing. */
function withoutNul(value: string, at: string): string {
  if (value.includes("\0")) throw new ConfigError(at, "contains a NUL character");
  return value;
}

export const flag: Reader<boolean> = (value, at) =>
  typeof value === "boolean" ? value : wanted("true or false", value, at);

export const whole: Reader<number> = (value, at) =>
  Number.isInteger(value) ? (value as number) : wanted("a whole number", value, at);

export const natural: Reader<number> = (value, at) =>
  Number.isInteger(value) && (value as number) >= 0
    ? (value as number)
    : wanted("a whole number of 0 or more", value, at);

export const absolutePath: Reader<string> = (value, at) => {
  const path = text(value, at);
  return path.startsWith("/") ? path : wanted("an absolute path", path, at);
};

export function oneOf<T extends string>(...words: readonly T[]): Reader<T> {
  return (value, at) =>
    words.includes(value as T)
      ? (value as T)
      : wanted(`one of ${words.map((word) => JSON.stringify(word)).join(", ")}`, value, at);
}

export function list<T>(item: Reader<T>): Reader<readonly T[]> {
  return (value, at) =>
    Array.isArray(value)
      ? value.map((each, index) => item(each, `${at}[${index}]`))
      : wanted("a list", value, at);
}

export function map<T>(item: Reader<T>): Reader<Readonly<Record<string, T>>> {
  return (value, at) => {
    if (!isObject(value)) return wanted("an object", value, at);
    const entries = Object.entries(value).map(([name, each]) => [
      name,
      item(each, `${at}.${name}`),
    ]);
    return Object.fromEntries(entries) as Record<string, T>;
  };
}

/** Absent and null are the fallback. */
export function optional<T>(reader: Reader<T>): Reader<T | undefined>;
export function optional<T>(reader: Reader<T>, fallback: T): Reader<T>;
export function optional<T>(reader: Reader<T>, fallback?: T): Reader<T | undefined> {
  return (value, at) => (value === undefined || value === null ? fallback : reader(value, at));
}

/** A field of the specification that cannot be acted on: only an empty value is let pass. */
export function refused(why: string): Reader<undefined> {
  return (value, at) => {
    if (value === undefined || value === null || value === "") return undefined;
    if (Array.isArray(value) && value.length === 0) return undefined;
    if (isObject(value) && Object.keys(value).length === 0) return undefined;
    throw new ConfigError(at, why);
  };
}

type Shape = Readonly<Record<string, Reader<unknown>>>;
export type ValueOf<S extends Shape> = { readonly [K in keyof S]: ReturnType<S[K]> };

/** Fields that the shape does not know are passed over, as the specification wants it. */
export function struct<const S extends Shape>(shape: S): Reader<ValueOf<S>> {
  return (value, at) => {
    if (!isObject(value)) return wanted("an object", value, at);
    const fields = Object.entries(shape).map(([name, reader]) => [
      name,
      reader(value[name], at === "" ? name : `${at}.${name}`),
    ]);
    return Object.fromEntries(fields) as ValueOf<S>;
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
