/**
 * Kubernetes' quantities: `100m`, `1.5Gi`, `2e3`. Exact: kept as an integer of nano-units, which holds every quantity that
 * Kubernetes admits. https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
export class Quantity {
  /** In units of 10^-9. */
  readonly nanos: bigint;
  /** How it was written, which decides how sums are written. */
  readonly format: QuantityFormat;

  constructor(nanos: bigint, format: QuantityFormat = "decimal") {
    this.nanos = nanos;
    this.format = format;
  }

  /** In thousandths, rounded up: CPU's unit. */
  milliValue(): number {
    return Number(divideUp(this.nanos, 1_000_000n));
  }

  /** In whole units, rounded up: bytes, pods. */
  value(): number {
    return Number(divideUp(this.nanos, NANO));
  }

  add(other: Quantity): Quantity {
    // Zero has no format of its own to keep.
    return new Quantity(this.nanos + other.nanos, this.nanos === 0n ? other.format : this.format);
  }

  subtract(other: Quantity): Quantity {
    return new Quantity(this.nanos - other.nanos, this.nanos === 0n ? other.format : this.format);
  }

  compare(other: Quantity): -1 | 0 | 1 {
    if (this.nanos === other.nanos) return 0;
    return this.nanos < other.nanos ? -1 : 1;
  }

  /** The canonical form: the largest suffix that leaves a whole number. */
  toString(): string {
    if (this.format === "binary" && this.nanos % NANO === 0n && abs(this.nanos) >= 1024n * NANO) {
      return binaryText(this.nanos / NANO);
    }
    return this.format === "exponent" ? exponentText(this.nanos) : decimalText(this.nanos);
  }
}

export type QuantityFormat = "binary" | "decimal" | "exponent";

/** The text is no quantity. */
export class QuantityError extends Error {
  override readonly name = "QuantityError";
}

const NANO = 1_000_000_000n;
const SYNTAX =
  /^([+-]?)(\d*)(?:\.(\d*))?(?:([eE])([+-]?\d{1,2})|(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei))?$/;
const BINARY: Readonly<Record<string, bigint>> = {
  Ki: 1n << 10n,
  Mi: 1n << 20n,
  Gi: 1n << 30n,
  Ti: 1n << 40n,
  Pi: 1n << 50n,
  Ei: 1n << 60n,
};
/** Powers of ten. */
const DECIMAL: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
/** Texts repeat endlessly: the same few requests in thousands of pods. Bounded, since users write them. */
const CACHE_MAX = 10_000;
/** Longer than anybody writes in earnest, so that a cache full of texts stays small. */
const CACHED_LENGTH_MAX = 32;

const cache = new Map<string, Quantity>();

/** Parses a quantity; a plain number is one too. Throws `QuantityError`. */
export function parseQuantity(text: number | string): Quantity {
  const key = String(text);
  const cached = cache.get(key);
  if (cached !== undefined) return cached;
  const quantity = parse(key);
  if (key.length > CACHED_LENGTH_MAX) return quantity;
  if (cache.size >= CACHE_MAX) cache.clear();
  cache.set(key, quantity);
  return quantity;
}

/** Undefined instead of an error. */
export function tryParseQuantity(text: number | string): Quantity | undefined {
  try {
    return parseQuantity(text);
  } catch {
    // The only error there is: no quantity.
    return undefined;
  }
}

function parse(text: string): Quantity {
  const found = SYNTAX.exec(text);
  const [, sign = "", whole = "", fraction = "", exponentMark, exponent, suffix] = found ?? [];
  if (found === null || whole + fraction === "") {
    throw new QuantityError(
      `${JSON.stringify(text)} is no quantity; write a number with an optional suffix, as 500m, 2, 128Mi or 1.5Gi`,
    );
  }
  const digits = BigInt(whole + fraction || "0");
  const factor = suffix === undefined ? undefined : BINARY[suffix];
  const power = exponent === undefined ? (DECIMAL[suffix ?? ""] ?? 0) : Number(exponent);
  const scaled =
    factor === undefined
      ? scale(digits, power - fraction.length + 9)
      : scale(digits * factor, 9 - fraction.length);
  const format =
    factor !== undefined ? "binary" : exponentMark === undefined ? "decimal" : "exponent";
  return new Quantity(sign === "-" ? -scaled : scaled, format);
}

/** `digits` × 10^power, rounded away from zero as Kubernetes does with what is smaller than a nano. */
function scale(digits: bigint, power: number): bigint {
  return power >= 0 ? digits * 10n ** BigInt(power) : divideUp(digits, 10n ** BigInt(-power));
}

function divideUp(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  return value % divisor > 0n ? quotient + 1n : quotient;
}

function binaryText(value: bigint): string {
  const suffixes = Object.entries(BINARY).toReversed();
  for (const [suffix, factor] of suffixes) {
    if (value % factor === 0n) return `${value / factor}${suffix}`;
  }
  return String(value);
}

const DECIMAL_SUFFIXES = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"] as const;

function decimalText(nanos: bigint): string {
  const [mantissa, thousands] = reduced(nanos, DECIMAL_SUFFIXES.length - 1);
  return `${mantissa}${DECIMAL_SUFFIXES[thousands]}`;
}

function exponentText(nanos: bigint): string {
  const [mantissa, thousands] = reduced(nanos, Number.POSITIVE_INFINITY);
  const power = thousands * 3 - 9;
  return power === 0 ? String(mantissa) : `${mantissa}e${power}`;
}

/** The value as a mantissa and a power of a thousand, the power as large as leaves the mantissa whole. */
function reduced(nanos: bigint, most: number): readonly [mantissa: bigint, thousands: number] {
  if (nanos === 0n) return [0n, 3];
  let mantissa = nanos;
  let thousands = 0;
  while (thousands < most && mantissa % 1000n === 0n) {
    mantissa /= 1000n;
    thousands++;
  }
  return [mantissa, thousands];
}

function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
}
