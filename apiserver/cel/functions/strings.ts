import type { Environment } from "@marcbachmann/cel-js";

/** What CEL's extension for strings has beyond the library's own functions. */
export function addStrings(environment: Environment): void {
  environment
    .registerFunction("string.charAt(int): string", (text: string, at: bigint) => {
      if (at < 0n || at > BigInt(text.length)) throw new Error(`index out of range: ${at}`);
      return text.charAt(Number(at));
    })
    .registerFunction(
      "string.replace(string, string): string",
      (text: string, from: string, to: string) => replaceSome(text, from, to),
    )
    .registerFunction("string.replace(string, string, int): string", replaceSome)
    .registerFunction("string.format(list): string", format);
}

/** Without a bound, two long strings make one that no machine holds. */
const REPLACED_LENGTH_MAX = 10_000_000;

function replaceSome(text: string, from: string, to: string, limit = -1n): string {
  const times = text.split(from).length;
  if (text.length + times * to.length > REPLACED_LENGTH_MAX)
    throw new Error(`replace makes a string of more than ${REPLACED_LENGTH_MAX} characters`);
  let left = limit;
  return text.replaceAll(from, (found) => (limit < 0n || left-- > 0n ? to : found));
}

const VERBS = /%(?:%|(?:\.(\d{1,2}))?([sdfexXob]))/g;

/** `"%s has %d".format(["x", 3])` */
function format(template: string, values: readonly unknown[]): string {
  let at = 0;
  return template.replaceAll(
    VERBS,
    (verb, precision: string | undefined, kind: string | undefined) => {
      if (verb === "%%") return "%";
      if (at >= values.length) throw new Error(`index ${at} out of range`);
      return formatOne(kind ?? "s", values[at++], precision);
    },
  );
}

const RADIX: Readonly<Record<string, number>> = { b: 2, d: 10, o: 8, x: 16, X: 16 };

function formatOne(kind: string, value: unknown, precision: string | undefined): string {
  if (kind === "f") return Number(value).toFixed(Number(precision ?? 6));
  if (kind === "e") return Number(value).toExponential(Number(precision ?? 6));
  const radix = RADIX[kind];
  if (radix === undefined) return textOf(value);
  if (typeof value !== "bigint" && typeof value !== "number")
    throw new Error(`%${kind} needs a number, got ${textOf(value)}`);
  const text = value.toString(radix);
  return kind === "X" ? text.toUpperCase() : text;
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(textOf).join(", ")}]`;
  if (typeof value !== "object" || value === null) return String(value);
  if (value.constructor !== Object) return String(value);
  const entries = Object.entries(value).map(([key, each]) => `${key}: ${textOf(each)}`);
  return `{${entries.join(", ")}}`;
}
