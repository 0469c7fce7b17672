/**
 * Kubernetes' amounts: `500m`, `1.5Gi`, `1e3`. Whoever writes one gets it back in canonical form: no fraction, and the
 * largest suffix that leaves none (resource.Quantity's documentation has the rules).
 */

/** Suffix → [base, exponent]. */
const SUFFIXES: ReadonlyMap<string, readonly [base: 2 | 10, exponent: number]> = new Map([
  ["n", [10, -9]],
  ["u", [10, -6]],
  ["m", [10, -3]],
  ["", [10, 0]],
  ["k", [10, 3]],
  ["M", [10, 6]],
  ["G", [10, 9]],
  ["T", [10, 12]],
  ["P", [10, 15]],
  ["E", [10, 18]],
  ["Ki", [2, 10]],
  ["Mi", [2, 20]],
  ["Gi", [2, 30]],
  ["Ti", [2, 40]],
  ["Pi", [2, 50]],
  ["Ei", [2, 60]],
]);
const DECIMAL = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"] as const;
const BINARY = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"] as const;
/** Amounts are whole nanos inside. */
const NANO = 1_000_000_000n;
/** More digits than any amount has; a longer text only costs time. */
const LENGTH_MAX = 64;
const ZERO = 48;
const NINE = 57;

/** The canonical text, or undefined if it is no quantity. */
export function canonicalQuantity(text: string): string | undefined {
  return isPlain(text) ? text : parse(text);
}

/** Digits and at most `m`, `Mi` or `Gi`, not reducible: nearly all amounts, and they stand as they are. */
function isPlain(text: string): boolean {
  let digits = 0;
  while (digits < text.length) {
    const code = text.charCodeAt(digits);
    if (code < ZERO || code > NINE) break;
    digits++;
  }
  if (digits === 0 || digits > 9 || (text.charCodeAt(0) === ZERO && text.length > 1)) return false;
  const rest = text.length - digits;
  if (rest === 0) return digits < 4 || !text.endsWith("000");
  if (rest === 1) return text.endsWith("m") && !text.endsWith("000m");
  const isBinary = text.endsWith("Mi") || text.endsWith("Gi") || text.endsWith("Ki");
  return rest === 2 && isBinary && Number(text.slice(0, digits)) % 1024 !== 0;
}

function parse(text: string): string | undefined {
  if (text.length > LENGTH_MAX) return undefined;
  const match = /^([+-]?)(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3}|[numkMGTPE]|[KMGTPE]i)?$/.exec(text);
  if (match === null) return undefined;
  const [, sign = "", number = "", suffix = ""] = match;
  const isExponent = /^[eE][+-]?\d/.test(suffix);
  const [base, exponent] = isExponent
    ? ([10, Number(suffix.slice(1))] as const)
    : (SUFFIXES.get(suffix) ?? [10, 0]);
  const size = nanos(number, base, exponent);
  const isNegative = sign === "-" && size !== 0n;
  const written = write(size, base, isExponent);
  return isNegative ? `-${written}` : written;
}

/** Rounded up, as Kubernetes does: what is asked for is at least granted. */
function nanos(number: string, base: 2 | 10, exponent: number): bigint {
  const [whole = "", fraction = ""] = number.split(".");
  const digits = BigInt(`${whole}${fraction}` || "0") * NANO;
  const factor = BigInt(base) ** BigInt(Math.abs(exponent));
  const divisor = 10n ** BigInt(fraction.length) * (exponent < 0 ? factor : 1n);
  return ceilDivide(digits * (exponent < 0 ? 1n : factor), divisor);
}

function write(size: bigint, base: 2 | 10, isExponent: boolean): string {
  if (base === 2 && size >= 1024n * NANO) {
    let units = ceilDivide(size, NANO);
    let at = 0;
    for (; at < BINARY.length - 1 && units % 1024n === 0n; at++) units /= 1024n;
    return `${units}${BINARY[at]}`;
  }
  if (size === 0n) return "0";
  let units = size;
  let at = 0;
  for (; at < DECIMAL.length - 1 && units % 1000n === 0n; at++) units /= 1000n;
  if (!isExponent) return `${units}${DECIMAL[at]}`;
  const exponent = at * 3 - 9;
  return exponent === 0 ? `${units}` : `${units}e${exponent}`;
}

function ceilDivide(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b;
}
